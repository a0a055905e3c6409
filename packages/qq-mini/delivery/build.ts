/**
 * Makes what is published: the client, the sandbox and the command in `dist`, with effect, undici and the packages of
 * qq-mini inside.
 *
 * The code is CommonJS, in files that are loaded when they are needed. For ES modules there is a small file beside each
 * entry, so that an app that uses both has one copy.
 *
 *     npx -y pnpm@12.21.0 --filter qq-mini build
 */
import { cp, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises"
import { createRequire, isBuiltin } from "node:module"
import { basename, dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { type InputOptions, type OutputOptions, rolldown } from "rolldown"
import { copyLibraries } from "../../sandbox/libraries.ts"

const home = join(dirname(fileURLToPath(import.meta.url)), "..")
const sandbox = join(home, "../sandbox")

/** Where the package is built. */
export const delivered = join(home, "dist")

// The client apart: a file that it shares with the command would have more than the client needs.
const client = ["index", "broadcast", "backfill", "redis"]

/** The modules that apps on Node import. */
export const nodeEntries = [...client, "testing"]

const bundle = async (input: InputOptions, output: OutputOptions) => {
  const build = await rolldown({
    ...input,
    transform: {
      target: "node20.19",
      // The first is Vite's. The other selects the build of undici for Node itself, without an experimental parser.
      define: { "import.meta.env": "undefined", esbuildDetection: "true" }
    }
  })
  const files = await build.generate({ exports: "named", minify: true, ...output })
  return files.output.flatMap((file) => (file.type === "chunk" ? [file] : []))
}

const commonjs = { format: "cjs", entryFileNames: "[name].cjs", comments: false } satisfies OutputOptions

const isUndici = /undiciParts\.cjs$/

const sourceOf = (name: string) => join(home, name === "command" ? "src/command/main.ts" : `src/${name}.ts`)

/** Bundles modules that share their files. */
const bundleForNode = (names: ReadonlyArray<string>) =>
  bundle(
    {
      input: Object.fromEntries(names.map((name) => [name, sourceOf(name)])),
      // The first two are the app's. undici takes longer to load than all the rest, so it is a file of its own.
      external: ["redis", "sharp", isUndici],
      resolve: { alias: { undici: join(home, "delivery/undici.cjs") } },
      platform: "node"
    },
    { ...commonjs, chunkFileNames: "[name]-[hash].cjs", paths: (id) => (isUndici.test(id) ? "./undiciParts.cjs" : id) }
  )

// undici's parser in two forms, each as WebAssembly in base64. One of them is loaded.
const parsers = ["llhttp-wasm", "llhttp_simd-wasm"]
const isParser = (id: string) => parsers.includes(basename(id, ".js"))

const bundleUndici = () =>
  bundle(
    { input: { undiciParts: join(home, "delivery/undiciParts.cjs") }, external: isParser, platform: "node" },
    { ...commonjs, paths: (id) => (isParser(id) ? `./${basename(id, ".js")}.cjs` : id) }
  )

/** An ES module, of which the bundler of an app keeps what the app uses. */
const bundleForEdge = () =>
  bundle(
    { input: { edge: sourceOf("edge") }, external: /^cloudflare:/, platform: "neutral" },
    { format: "esm", entryFileNames: "[name].js", comments: { annotation: true, jsdoc: false, legal: false } }
  )

/** The folder of the package that a module belongs to. `undefined` for the modules of qq-mini. */
const packageOf = (module: string): string | undefined =>
  /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(module)?.[0]

/** The licences of the packages that are inside. */
const licencesOf = async (modules: ReadonlyArray<string>): Promise<string> => {
  const folders = new Set(modules.map(packageOf).filter((folder) => folder !== undefined))
  const texts = Array.from(folders, async (folder) => {
    const { name, version } = JSON.parse(await readFile(join(folder, "package.json"), "utf8"))
    const file = (await readdir(folder)).find((file) => /^licen[cs]e/i.test(file))
    if (file === undefined) throw new Error(`${name} has no file with its licence`)
    return `This package contains parts of ${name} ${version}:\n\n${await readFile(join(folder, file), "utf8")}`
  })
  return (await Promise.all(texts)).toSorted().join("\n---\n\n")
}

/**
 * Takes the modules of Node from where all apps have them: ES modules made by esbuild have no `require`, and tests of jest
 * have no `import()`.
 */
const withBuiltins = (code: string): string =>
  code.replace(/\b(require|import)\((["'`])([\w:/]+)\2\)/g, (all, kind, _, name) => {
    if (!isBuiltin(name)) return all
    const module = `process.getBuiltinModule("${name}")`
    return kind === "import" ? `Promise.resolve(${module} ?? Promise.reject(new Error("no ${name}")))` : module
  })

const isForBrowsers = (path: string) => basename(path) !== "tsconfig.json"

// What V8 compiled is kept for the next start, in a folder of the user: in a folder of all, others could put code there.
const start = `#!/usr/bin/env node
const { join } = require("node:path")
const cache = process.env.XDG_CACHE_HOME || join(require("node:os").homedir(), ".cache")
require("node:module").enableCompileCache?.(join(cache, "qq-mini"))
require("./cjs/lib/command.cjs")
`

/** Makes the package anew; gives the file of the command. */
export const deliver = async (to: string = delivered): Promise<string> => {
  const parts = await Promise.all([bundleForNode(client), bundleForNode(["testing", "command"]), bundleUndici()])
  const [chunks, edge] = [parts.flat(), await bundleForEdge()]
  const files = new Map<string, string | Uint8Array>()
  for (const { code, fileName } of edge) files.set(fileName, code)
  for (const { code, fileName } of chunks) files.set(`cjs/lib/${fileName}`, withBuiltins(code))
  const { resolve } = createRequire(join(home, "delivery/undici.cjs"))
  for (const name of parsers)
    files.set(`cjs/lib/${name}.cjs`, withBuiltins(await readFile(resolve(`undici/lib/llhttp/${name}.js`), "utf8")))
  const command = "qq-mini.cjs"
  files.set(command, start)
  files.set("openapi.json", JSON.stringify(JSON.parse(await readFile(join(sandbox, "openapi.json"), "utf8"))))
  files.set("third-party.txt", await licencesOf([...chunks, ...edge].flatMap(({ moduleIds }) => moduleIds)))

  for (const [name, content] of files) {
    const path = join(to, name)
    const bytes = Buffer.from(content)
    await mkdir(dirname(path), { recursive: true })
    // A command that runs meanwhile goes on: its files stay as they are.
    if ((await readFile(path).catch(() => undefined))?.equals(bytes) !== true) await writeFile(path, bytes)
  }
  // What a module exports is known when it is loaded. Node loads CommonJS faster with `require` than with `import`, which
  // bundlers can follow.
  for (const name of nodeEntries) {
    const file = `./cjs/lib/${name}.cjs`
    const names = Object.keys(createRequire(import.meta.url)(join(to, file))).toSorted()
    const exported = `export const { ${names.join(", ")} } = cjs\n`
    const required = `import { createRequire } from "node:module"\nconst cjs = createRequire(import.meta.url)("${file}")\n`
    await writeFile(join(to, `${name}.js`), `${required}${exported}`)
    await writeFile(join(to, `${name}.bundler.js`), `import cjs from "${file}"\n${exported}`)
  }
  await cp(join(sandbox, "console"), join(to, "console"), { recursive: true, filter: isForBrowsers })
  await copyLibraries(join(to, "cjs/lib"))
  for (const name of await readdir(join(to, "cjs/lib"))) {
    if (name.endsWith(".cjs") && !files.has(`cjs/lib/${name}`)) await rm(join(to, "cjs/lib", name))
  }
  return join(to, command)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await deliver()
