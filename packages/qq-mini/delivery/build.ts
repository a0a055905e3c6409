/**
 * Makes what is published: the command with effect and the packages of qq-mini inside, in `dist`. Loaded from their own
 * files, they would take three times the CPU at each start. What only some commands need is in files of its own.
 *
 *     npx -y pnpm@12.21.0 --filter qq-mini build
 */
import { build } from "esbuild"
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises"
import { createRequire } from "node:module"
import { basename, dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

const home = join(dirname(fileURLToPath(import.meta.url)), "..")

/** Where the command is. */
export const delivered = join(home, "dist")

// Loaded as they are: what a command needs only for one store or format, and the sandbox, which has files of its own.
const external = ["@qq-mini/sandbox/*", "csv-parse", "redis", "sharp", "undici"]

const inside = ["effect", "@effect/platform-node", "pngjs"]

/** Makes the command anew; gives its file. */
export const deliver = async (to: string = delivered): Promise<string> => {
  await mkdir(to, { recursive: true })
  const { outputFiles } = await build({
    entryPoints: { "qq-mini": join(home, "src/command/main.ts") },
    outdir: to,
    bundle: true,
    splitting: true,
    platform: "node",
    format: "esm",
    target: "node22",
    external,
    minify: true,
    write: false,
    charset: "utf8",
    legalComments: "none",
    // Some of what is inside is CommonJS.
    banner: {
      js: 'import { createRequire as $require } from "node:module"; const require = $require(import.meta.url);'
    }
  })
  const resolve = createRequire(join(home, "src/command/main.ts")).resolve
  const licences = await Promise.all(
    inside.map(async (name) => {
      const text = await readFile(join(dirname(resolve(`${name}/package.json`)), "LICENSE"), "utf8")
      return `The command contains parts of ${name}:\n\n${text}`
    })
  )
  const files = new Map(outputFiles.map(({ contents, path }) => [basename(path), contents]))
  files.set("third-party.txt", Buffer.from(licences.join("\n---\n\n")))
  for (const [name, contents] of files) {
    const path = join(to, name)
    // A command that runs meanwhile goes on: its files stay as they are.
    if ((await readFile(path).catch(() => undefined))?.equals(contents) !== true) await writeFile(path, contents)
  }
  for (const name of await readdir(to)) if (name.endsWith(".js") && !files.has(name)) await rm(join(to, name))
  return join(to, "qq-mini.js")
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await deliver()
