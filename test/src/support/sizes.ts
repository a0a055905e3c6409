/**
 * How large what people load is: the file of uniCloud, Workers, and each package without what it depends on. Keeps the
 * sizes in `bench/sizes.json` when it is run:
 *
 *     node test/src/support/sizes.ts
 */
import { build } from "esbuild"
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { gzipSync } from "node:zlib"
import { bundle, programs } from "../../../packages/edge/delivery/bundle.ts"
import { deliver } from "../../../packages/unicloud/delivery/build.ts"

const root = fileURLToPath(new URL("../../..", import.meta.url))

/** Where the sizes are kept. */
export const kept = join(root, "bench/sizes.json")

/** Bytes by what has them. */
export type Sizes = Readonly<Record<string, number>>

const packages = ["core", "node", "unicloud", "edge", "sandbox"]

/** Bytes of all public modules of a package together, minified. */
const sizeOf = async (name: string): Promise<number> => {
  const home = join(root, "packages", name)
  const { exports } = JSON.parse(await readFile(join(home, "package.json"), "utf8")) as {
    readonly exports: Readonly<Record<string, string>>
  }
  const modules = Object.values(exports).filter((path) => path.endsWith(".ts"))
  const { outputFiles } = await build({
    stdin: {
      contents: modules.map((path, i) => `export * as m${i} from "${path}"`).join("\n"),
      resolveDir: home
    },
    bundle: true,
    packages: "external",
    format: "esm",
    platform: "node",
    minify: true,
    write: false
  })
  return outputFiles[0]!.contents.length
}

/** Measures all. */
export const measure = async (): Promise<Sizes> => {
  const folder = await mkdtemp(join(tmpdir(), "qq-mini-sizes-"))
  const file = await readFile(join(await deliver(folder), "index.js"))
  await rm(folder, { recursive: true })
  const sizes: Record<string, number> = {
    "uniCloud's file": file.length,
    "uniCloud's file, gzipped": gzipSync(file, { level: 9 }).length
  }
  for (const [name, source] of Object.entries(programs)) {
    sizes[`a Worker with ${name}, gzipped`] = (await bundle(source)).gzipped
  }
  for (const name of packages) sizes[`@qq-mini/${name} alone`] = await sizeOf(name)
  return sizes
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await writeFile(kept, `${JSON.stringify(await measure(), undefined, 2)}\n`)
}
