/** Programs that the tests need and npm does not have. The set-up of the tests installs those that are missing. */
import { spawnSync } from "node:child_process"
import { existsSync } from "node:fs"
import { delimiter, join } from "node:path"

const folders = ["/usr/bin", "/usr/local/bin", "/opt/homebrew/bin", ...(process.env["PATH"] ?? "").split(delimiter)]

// The name of the package for Homebrew, by the name of the program, which is also that of Debian's package.
const brewNames = { "redis-server": "redis", openssl: "openssl" }

/** The name of a program. */
export type Name = keyof typeof brewNames

const find = (name: Name) => folders.map((folder) => join(folder, name)).find((path) => existsSync(path))

const adviceFor = (name: Name) =>
  `The tests need ${name}. On Debian and Ubuntu: apt-get install ${name}. On macOS: brew install ${brewNames[name]}.`

/** The path of a program. */
export const pathOf = (name: Name): string => {
  const path = find(name)
  if (path === undefined) throw new Error(adviceFor(name))
  return path
}

/** Installs the programs where it can. */
export const install = (): void => {
  const missing = (Object.keys(brewNames) as Array<Name>).filter((name) => find(name) === undefined)
  if (missing.length === 0) return
  const advice = missing.map(adviceFor).join("\n")
  if (process.getuid?.() !== 0 || !existsSync("/usr/bin/apt-get")) throw new Error(advice)
  const env = {
    ...process.env,
    PATH: "/usr/sbin:/usr/bin:/sbin:/bin",
    DEBIAN_FRONTEND: "noninteractive",
    RUNLEVEL: "1"
  }
  for (const args of [["update"], ["install", "-y", "--no-install-recommends", ...missing]]) {
    const { status, stderr } = spawnSync("/usr/bin/apt-get", args, { env, encoding: "utf8" })
    if (status !== 0) throw new Error(`${advice}\napt-get ${args.join(" ")}: ${stderr}`)
  }
  for (const name of missing) pathOf(name)
}
