/**
 * What a package is when it is packed. `exports` stands once in its `package.json`, with the sources that the workspace
 * uses: here each becomes its types and its code in `dist`. What all packages share stands once in the root.
 */
import { readFileSync } from "node:fs"
import { basename } from "node:path"

const { author, bugs, homepage, repository } = JSON.parse(
  readFileSync(new URL("package.json", import.meta.url), "utf8")
)

const built = (path) => {
  if (!path.startsWith("./src/")) return path
  const file = path.replace("./src/", "./dist/").replace(/\.ts$/, "")
  return { types: `${file}.d.ts`, default: `${file}.js` }
}

export const hooks = {
  beforePacking: (manifest, folder) => ({
    ...manifest,
    author,
    homepage,
    bugs,
    repository: { ...repository, directory: `packages/${basename(folder)}` },
    exports: Object.fromEntries(Object.entries(manifest.exports).map(([name, path]) => [name, built(path)]))
  })
}
