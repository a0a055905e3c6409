/**
 * Makes what is published: the command with effect and the packages of qq-mini inside, in `dist`. Loaded from their own
 * files, they would take three times the CPU at each start. What only some commands need is in files of its own.
 *
 *     npx -y pnpm@12.21.0 --filter @qq-mini/cli build
 */
import { build } from "esbuild"
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises"
import { createRequire } from "node:module"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

const home = join(dirname(fileURLToPath(import.meta.url)), "..")

/** Where the command is. */
export const delivered = join(home, "dist")

/** Makes the command anew; gives its file. */
export const deliver = async (to: string = delivered): Promise<string> => {
  const manifest = JSON.parse(await readFile(join(home, "package.json"), "utf8"))
  await mkdir(to, { recursive: true })
  // The compiler keeps its own files there.
  for (const file of await readdir(to)) if (file.endsWith(".js")) await rm(join(to, file))
  await build({
    entryPoints: { "qq-mini": join(home, "src/main.ts") },
    outdir: to,
    bundle: true,
    splitting: true,
    platform: "node",
    format: "esm",
    target: "node22",
    external: [...Object.keys(manifest.dependencies), "sharp"],
    minify: true,
    charset: "utf8",
    legalComments: "none",
    // Some of what is inside is CommonJS.
    banner: {
      js: 'import { createRequire as $require } from "node:module"; const require = $require(import.meta.url);'
    }
  })
  const effect = dirname(createRequire(join(home, "src/main.ts")).resolve("effect/package.json"))
  const licence = await readFile(join(effect, "LICENSE"), "utf8")
  await writeFile(join(to, "LICENSE.effect"), licence)
  return join(to, "qq-mini.js")
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.log(await deliver())
