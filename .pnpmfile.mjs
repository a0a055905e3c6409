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

const nameOf = (module) => module.replace(/^\.\/?/, "") || "index"
const commonjs = (name) => ({ types: `./dist/${name}.d.cts`, default: `./dist/cjs/lib/${name}.cjs` })

/**
 * The package for plain apps has CommonJS too, except for the edge. Old resolution finds it beside `main`. The condition
 * `module` is that of bundlers.
 */
const forPlainApps = (exports) => {
  const modules = Object.keys(exports).filter((name) => name !== "./edge" && !name.endsWith(".json"))
  return {
    main: commonjs("index").default,
    types: commonjs("index").types,
    typesVersions: { "*": Object.fromEntries(modules.map(nameOf).map((name) => [name, [commonjs(name).types]])) },
    exports: Object.fromEntries(
      Object.entries(exports).map(([module, path]) => [
        module,
        modules.includes(module)
          ? {
              module: { ...built(path), default: `./dist/${nameOf(module)}.bundler.js` },
              import: built(path),
              require: commonjs(nameOf(module))
            }
          : built(path)
      ])
    )
  }
}

export const hooks = {
  beforePacking: (manifest, folder) => ({
    ...manifest,
    author,
    homepage,
    bugs,
    repository: { ...repository, directory: `packages/${basename(folder)}` },
    exports: Object.fromEntries(Object.entries(manifest.exports).map(([name, path]) => [name, built(path)])),
    ...(manifest.name === "qq-mini" ? forPlainApps(manifest.exports) : {})
  })
}
