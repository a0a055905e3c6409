/** The runtimes of the matrix, each a real one from npm, and how each runs the program of `tour.ts`. */
import { build } from "esbuild"
import { Miniflare } from "miniflare"
import { execFile } from "node:child_process"
import { mkdtemp, writeFile } from "node:fs/promises"
import { createRequire } from "node:module"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { deliver } from "../../../packages/unicloud/delivery/build.ts"
import type { Told } from "./edge.ts"
import type { Step, Ways } from "./tour.ts"

const exec = promisify(execFile)
const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))
const binary = (name: string) => here(`../../node_modules/.bin/${name}`)

/** The real Node of a version. */
export const nodeBinary = (major: number): string => here(`../../node_modules/node${major}/bin/node`)

/** One runtime. */
export interface Runtime {
  readonly name: string
  /** The package and layer through which it calls. */
  readonly through: string
  /** What its own HTTP client does otherwise. */
  readonly ways: Ways
  /** Its own word for its version. */
  readonly version: () => Promise<string>
  readonly run: (told: Told) => Promise<ReadonlyArray<Step>>
}

const folder = await mkdtemp(join(tmpdir(), "qq-mini-runtimes-"))

/** Bundles a program into one file for a runtime with `fetch`, without anything of Node's. */
export const bundleEdge = async (entry: string, name: string): Promise<string> => {
  const outfile = join(folder, name)
  await build({
    entryPoints: [entry],
    outfile,
    bundle: true,
    format: "esm",
    platform: "browser",
    target: "es2022",
    external: ["cloudflare:*"],
    logLevel: "error"
  })
  return outfile
}

const program = bundleEdge(here("edge.ts"), "edge.mjs")

/** A file that runs the program with what it is told on its command line, and prints the steps. */
const launcher = program.then(async () => {
  const file = join(folder, "launch.mjs")
  await writeFile(
    file,
    `import { run } from "./edge.mjs"
     const told = JSON.parse((globalThis.Deno?.args ?? process.argv.slice(2))[0])
     console.log(JSON.stringify(await run(told)))`
  )
  return file
})

const command = async (file: string, args: ReadonlyArray<string>): Promise<string> => {
  const { stdout } = await exec(file, args, { maxBuffer: 1e8, env: { PATH: process.env["PATH"], NO_COLOR: "1" } })
  return stdout
}

const launched =
  (file: string, ...args: ReadonlyArray<string>): Runtime["run"] =>
  async (told) =>
    JSON.parse(await command(file, [...args, await launcher, JSON.stringify(told)]))

const versionOf = (file: string) => async (): Promise<string> =>
  /\d+\.\d+\.\d+/.exec(await command(file, ["--version"]))?.[0] ?? "?"

const node = (major: number): Runtime => ({
  name: `Node ${major}`,
  through: "`@qq-mini/edge`",
  ways: major < 20 ? { noCrypto: true } : {},
  version: versionOf(nodeBinary(major)),
  run: launched(nodeBinary(major))
})

/** A Worker of one bundled file. */
export const workerd = (path: string, options: Record<string, unknown> = {}): Miniflare =>
  new Miniflare({ modules: [{ type: "ESModule", path }], compatibilityDate: "2026-07-01", ...options } as any)

const onWorkerd: Runtime["run"] = async (told) => {
  await program
  const path = join(folder, "worker.mjs")
  await writeFile(
    path,
    `import { run } from "./edge.mjs"
     export default { fetch: async (request) => Response.json(await run(await request.json())) }`
  )
  const miniflare = workerd(path, {
    modules: true,
    modulesRoot: folder,
    scriptPath: path,
    modulesRules: [{ type: "ESModule", include: ["**/*.mjs"] }]
  })
  try {
    const response = await miniflare.dispatchFetch("http://worker/", { method: "POST", body: JSON.stringify(told) })
    return (await response.json()) as ReadonlyArray<Step>
  } finally {
    await miniflare.dispose()
  }
}

// the one that miniflare brings
const workerdVersion = async (): Promise<string> =>
  createRequire(createRequire(import.meta.url).resolve("miniflare"))("workerd/package.json").version

/** Node 16 through the one CommonJS file, as uniCloud has it: no `fetch` there, but urllib. */
const onUniCloud: Runtime["run"] = async (told) => {
  const file = await deliver(join(folder, "unicloud"))
  await build({
    entryPoints: [here("tour.ts")],
    outfile: join(folder, "tour.cjs"),
    bundle: true,
    format: "cjs",
    platform: "neutral",
    target: "node16.20"
  })
  return JSON.parse(
    await command(nodeBinary(16), [
      here("unicloud.cjs"),
      JSON.stringify({ ...told, file, program: join(folder, "tour.cjs") })
    ])
  )
}

/** All of them. */
export const runtimes: ReadonlyArray<Runtime> = [
  {
    name: "Node 16",
    through: "the uniCloud file",
    ways: { readsAll: true },
    version: versionOf(nodeBinary(16)),
    run: onUniCloud
  },
  ...[18, 20, 22, 24, 26].map(node),
  {
    name: "workerd",
    through: "`@qq-mini/edge`",
    ways: { hidesRefusal: true },
    version: workerdVersion,
    run: onWorkerd
  },
  {
    name: "Deno",
    through: "`@qq-mini/edge`",
    ways: { repeatsChecks: true },
    version: versionOf(binary("deno")),
    run: launched(binary("deno"), "run", "--allow-net=127.0.0.1")
  },
  {
    name: "Bun",
    through: "`@qq-mini/edge`",
    ways: {},
    version: versionOf(binary("bun")),
    run: launched(binary("bun"), "run")
  }
]
