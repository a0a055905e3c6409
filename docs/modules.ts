/** The public modules of the packages, as their `exports` list them: the pages of the reference. */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

const root = fileURLToPath(new URL("..", import.meta.url))

interface Manifest {
  readonly name: string
  readonly exports: Readonly<Record<string, string>>
}

/** A public module. */
export interface Module {
  /** The name in an import, such as `@qq-mini/core/Security`. */
  readonly name: string
  readonly file: string
}

/** A package with its public modules. Those for authors of adapters are left out. */
export const packages = ["qq-mini", "core", "node", "edge", "unicloud", "sandbox"].map((folder) => {
  const home = join(root, "packages", folder)
  const { exports, name }: Manifest = JSON.parse(readFileSync(join(home, "package.json"), "utf8"))
  const modules = Object.entries(exports)
    .filter(([entry, path]) => path.endsWith(".ts") && !entry.startsWith("./adapter/"))
    .map(([entry, path]): Module => ({ name: name + entry.slice(1), file: join(home, path) }))
  return { name, modules }
})
