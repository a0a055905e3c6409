/**
 * What the delivered file costs a cold start, on each Node that uniCloud runs: the CPU time of requiring it, beside an
 * empty file and stand-ins for vk-unicloud; and that of what the first call sets up.
 *
 * vk-unicloud's own file (214 KB, minified) can't be had here. The stand-ins are as large, minified in the same way, and
 * the utilities, ciphers, dates, login tokens and validation that such a framework carries. They are two, because files of
 * one size differ in what they do when they are required: crypto-js computes tables and jsonwebtoken loads Node's
 * modules, which validator does not. Where vk-unicloud's own lies is not known.
 */
import { build } from "esbuild"
import { execFile } from "node:child_process"
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { gzipSync } from "node:zlib"
import { deliver } from "./build.ts"

const rounds = 15
const sizeOfVk = 214_000
const standIns = {
  "stand-in a": ["lodash", "crypto-js", "dayjs", "jsonwebtoken"],
  "stand-in b": ["lodash", "validator", "dayjs"]
}
const versions = [16, 18, 20]

const run = promisify(execFile)
const home = fileURLToPath(new URL("..", import.meta.url))
const node = (version: number) => join(home, `node_modules/node${version}/bin/node`)

/** In a fresh process: milliseconds of CPU time for requiring a file, then, of ours, for what the first call sets up. */
const program = `
  const [file, first] = process.argv.slice(2)
  const since = (start) => { const { system, user } = process.cpuUsage(start); return (system + user) / 1000 }
  let start = process.cpuUsage()
  const loaded = require(file)
  const required = since(start)
  if (first === undefined) console.log(JSON.stringify([required]))
  else {
    globalThis.uniCloud = { httpclient: { request: () => new Promise(() => {}) }, database: () => ({}) }
    start = process.cpuUsage()
    const qq = loaded.createQQMini({ appid: "1112345678", appsecret: "secret" })
    // builds everything that the first call needs, and sends nothing
    qq.remaining("security.msgSecCheck").then(() => console.log(JSON.stringify([required, since(start)])))
  }
`

const folder = await mkdtemp(join(tmpdir(), "qq-mini-measure-"))
try {
  const at = (name: string) => join(folder, name)
  const ours = join(await deliver(at("delivered")), "index.js")
  await writeFile(at("empty.js"), "")
  await writeFile(at("measure.cjs"), program)
  const code = await readFile(ours)
  console.log(`ours: ${code.length} bytes, ${gzipSync(code).length} gzipped`)
  const files: Record<string, string> = { ours, empty: at("empty.js") }
  for (const [name, carried] of Object.entries(standIns)) {
    const file = at(`${name}.js`)
    const contents = carried.map((one) => `exports["${one}"] = require("${one}")`).join("\n")
    await build({
      stdin: { contents, resolveDir: home },
      outfile: file,
      bundle: true,
      platform: "node",
      format: "cjs",
      target: "node16.20",
      minify: true,
      legalComments: "none"
    })
    const { size } = await stat(file)
    if (Math.abs(size / sizeOfVk - 1) > 0.05) throw new Error(`${name} has ${size} bytes, not about ${sizeOfVk}`)
    console.log(`${name}: ${size} bytes (${carried.join(", ")})`)
    files[name] = file
  }

  const least = new Map<string, number>()
  const note = (key: string, millis: number) => least.set(key, Math.min(least.get(key) ?? Infinity, millis))
  // one of each in turn, so that what else this machine does meets all alike
  for (let round = 0; round < rounds; round++) {
    for (const version of versions) {
      for (const [name, file] of Object.entries(files)) {
        const args = [at("measure.cjs"), file, ...(name === "ours" ? ["first"] : [])]
        const { stdout } = await run(node(version), args)
        const [required, setUp] = JSON.parse(stdout)
        note(`${version} ${name}`, required)
        if (setUp !== undefined) note(`${version} set-up`, setUp)
      }
    }
  }

  console.log(`\nCPU time of requiring, in ms, the least of ${rounds} fresh processes each:`)
  console.table(
    Object.fromEntries(
      versions.map((version) => {
        const of = (name: string) => least.get(`${version} ${name}`)!
        const row = {
          empty: of("empty"),
          ours: of("ours"),
          a: of("stand-in a"),
          b: of("stand-in b"),
          "ours / a": of("ours") / of("stand-in a"),
          "ours / b": of("ours") / of("stand-in b"),
          "first call's set-up": of("set-up")
        }
        const short = Object.entries(row).map(([column, value]) => [column, Number(value.toFixed(2))])
        return [`Node ${version}`, Object.fromEntries(short)]
      })
    )
  )
} finally {
  await rm(folder, { recursive: true })
}
