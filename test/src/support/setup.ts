/** Once before all tests, and once after them: whatever a test starts or writes ends with it. */
import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs"
import { setTimeout } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import { build } from "esbuild"
import type { TestProject } from "vitest/node"
import { deliver } from "../../../packages/qq-mini/delivery/build.ts"
import { holderIn } from "./processes.ts"
import { install } from "./systemPrograms.ts"

interface Left {
  readonly pid: number
  readonly command: string
}

// Processes inherit the folder's name in their environment, wherever their parents went. Redis overwrites its environment,
// and runs in the folder; others are started with it on their command line. Linux alone tells of these.
const processesOf = (folder: string): ReadonlyArray<Left> => {
  if (!existsSync("/proc/self/environ")) return []
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((pid) => {
      try {
        const command = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim()
        const environment = readFileSync(`/proc/${pid}/environ`, "utf8")
        const mine = [environment, command, readlinkSync(`/proc/${pid}/cwd`)].some((text) => text.includes(folder))
        // vitest ends its own workers
        return mine && command !== "" && !command.includes("vitest") ? [{ pid: Number(pid), command }] : []
      } catch {
        // it ended meanwhile
        return []
      }
    })
}

/** One file of what `holder.ts` needs: a process that loads it starts in a quarter of the time. */
const bundleHolder = (folder: string) =>
  build({
    entryPoints: [fileURLToPath(new URL("holder.ts", import.meta.url))],
    outfile: holderIn(folder),
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node24",
    // apart: inline, every process would read 16 MB more
    sourcemap: "linked",
    // what is CommonJS in it asks for Node's own modules so
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url)" },
    logLevel: "warning"
  })

// What its parent has just left is given time to notice.
const graceMillis = 5_000

export default async ({ config }: TestProject): Promise<() => Promise<void>> => {
  install()
  const folder = config.env["TMPDIR"]!
  mkdirSync(folder, { mode: 0o700 })
  /** Ends what still runs, and removes what was written; gives what it ended. */
  const clean = (): ReadonlyArray<Left> => {
    const left = processesOf(folder)
    for (const { pid } of left) process.kill(pid, "SIGKILL")
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
    return left
  }
  // a run that is ended from outside comes to no teardown
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.once(signal, () => {
      clean()
      process.exit(1)
    })
  }
  await Promise.all([bundleHolder(folder), deliver()])
  return async () => {
    const end = performance.now() + graceMillis
    while (processesOf(folder).length > 0 && performance.now() < end) await setTimeout(50)
    const left = clean()
    if (left.length > 0) {
      throw new Error(`the tests left running:\n${left.map(({ pid, command }) => `  ${pid} ${command}`).join("\n")}`)
    }
  }
}
