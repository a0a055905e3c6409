/**
 * Cold start of a new process: CPU time and wall time until the client is loaded, and until the first text check is
 * answered, a token fetched for it. The least of 15 processes each, asked in turn; what a process costs that does nothing
 * is taken off. The packages are bundled and minified, as functions are; uniCloud has its own file. And the whole life of
 * the command `qq-mini`, as it is published.
 */
import { build } from "esbuild"
import { execFile } from "node:child_process"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { deliver as deliverCommand } from "../../../packages/qq-mini/delivery/build.ts"
import { deliver } from "../../../packages/unicloud/delivery/build.ts"
import { example, startWorkers } from "../../../test/src/edge/workers.ts"
import { nodeBinary } from "../../../test/src/runtimes/runtimes.ts"
import { appid, appsecret, content } from "../subject.ts"

const run = promisify(execFile)
const [url] = process.argv.slice(2)
const rounds = 15
const here = fileURLToPath(new URL(".", import.meta.url))
const options = JSON.stringify({ appid, appsecret, baseUrl: url, store: "memory" })

const told = `
  const cost = () => {
    const { system, user } = process.cpuUsage()
    return { cpu: (system + user) / 1e3, wall: performance.now() }
  }`
const measured = `
  const loaded = cost()
  qq.security.msgSecCheck({ content: ${JSON.stringify(content)} }).then(() => {
    console.log(JSON.stringify({ loaded, answered: cost() }))
    process.exit()
  })`

const least = (values: ReadonlyArray<number>) => Math.min(...values)

const folder = await mkdtemp(join(tmpdir(), "qq-mini-cold-"))
try {
  const file = join(await deliver(join(folder, "unicloud")), "index.js")
  const urllib = fileURLToPath(import.meta.resolve("urllib"))
  await build({
    stdin: {
      contents: `import { createQQMini } from "@qq-mini/node"
        ${told}
        const qq = createQQMini(${options})
        ${measured}`,
      resolveDir: here
    },
    outfile: join(folder, "node.mjs"),
    bundle: true,
    minify: true,
    platform: "node",
    format: "esm",
    target: "node24",
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url)" },
    logLevel: "warning"
  })
  await writeFile(
    join(folder, "unicloud.cjs"),
    `const { performance } = require("node:perf_hooks")
    // the function's own, which is there before
    const httpclient = require(${JSON.stringify(urllib)})
    ${told}
    const before = cost()
    const { createQQMini } = require(${JSON.stringify(file)})
    const qq = createQQMini({ uniCloud: { httpclient }, ...${options} })
    ${measured.replace("{ loaded", "{ before, loaded")}`
  )
  await writeFile(
    join(folder, "nothing.mjs"),
    `${told}\nconst loaded = cost()\nconsole.log(JSON.stringify({ loaded }))`
  )

  interface Cost {
    readonly cpu: number
    readonly wall: number
  }
  interface Told {
    readonly before?: Cost
    readonly loaded: Cost
    readonly answered?: Cost
  }
  const subjects: ReadonlyArray<readonly [name: string, node: string, file: string]> = [
    ["nothing", process.execPath, "nothing.mjs"],
    ["Node 24, one bundle", process.execPath, "node.mjs"],
    ...[16, 18, 20].map((major) => [`uniCloud's file on Node ${major}`, nodeBinary(major), "unicloud.cjs"] as const)
  ]
  const seen = new Map<string, Array<Told>>(subjects.map(([name]) => [name, []]))
  for (let round = 0; round < rounds; round++) {
    for (const [name, node, program] of subjects) {
      const { stdout } = await run(node, [join(folder, program)])
      seen.get(name)!.push(JSON.parse(stdout.trim().split("\n").at(-1)!))
    }
  }
  const bare = {
    cpu: least(seen.get("nothing")!.map(({ loaded }) => loaded.cpu)),
    wall: least(seen.get("nothing")!.map(({ loaded }) => loaded.wall))
  }
  const rows = [...seen].slice(1).map(([name, all]) => {
    const of = (when: "loaded" | "answered", what: keyof Cost) =>
      least(all.map((one) => one[when]![what] - (one.before ?? bare)[what]))
    return {
      name,
      loaded: { cpu: of("loaded", "cpu"), wall: of("loaded", "wall") },
      answered: { cpu: of("answered", "cpu"), wall: of("answered", "wall") }
    }
  })

  const command = await deliverCommand()
  // At its end a process tells what it has used.
  const atEnd = `process.on("exit", () => process.stderr.write(JSON.stringify(process.cpuUsage()) + "\\n"))`
  const uses: ReadonlyArray<ReadonlyArray<string>> = [
    [join(folder, "nothing.mjs")],
    ...["--version", "--help", "token --help"].map((args) => [command, ...args.split(" ")])
  ]
  const used: Array<Array<number>> = uses.map(() => [])
  for (let round = 0; round < rounds; round++) {
    for (const [i, args] of uses.entries()) {
      const { stderr } = await run(process.execPath, ["--import", `data:text/javascript,${atEnd}`, ...args])
      const { system, user } = JSON.parse(stderr.trim().split("\n").at(-1)!)
      used[i]!.push((system + user) / 1e3)
    }
  }
  const commands = uses.slice(1).map(([, ...args], i) => ({
    name: `qq-mini ${args.join(" ")}`,
    cpu: least(used[i + 1]!) - least(used[0]!)
  }))

  // workerd tells no CPU time: wall time of a Worker's first answer, when the runtime is ready
  const walls: Array<number> = []
  for (let round = 0; round < 5; round++) {
    await using workers = await startWorkers(example)
    const start = performance.now()
    const { ok } = await workers.ask(0, "/health")
    if (!ok) throw new Error("the Worker did not answer")
    walls.push(performance.now() - start)
  }
  console.log(JSON.stringify({ processes: rows, commands, worker: { wall: least(walls) } }))
} finally {
  await rm(folder, { recursive: true })
}
