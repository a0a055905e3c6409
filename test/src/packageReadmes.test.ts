/** The example of each package's READMEs, run as it stands there. */
import { defaultTemplate, startSandbox, type TestSandbox } from "@qq-mini/sandbox/testing"
import { execFile } from "node:child_process"
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { startWorkers } from "./edge/workers.ts"
import { bundleEdge } from "./runtimes/runtimes.ts"

const run = promisify(execFile)
const root = fileURLToPath(new URL("../..", import.meta.url))

describe.each([
  ["README.md", "passed", "did not subscribe"],
  ["README.zh-CN.md", "通过", "用户未订阅该消息"]
])("%s", (file, passed, notSubscribed) => {
  let folder: string
  let sandbox: TestSandbox
  beforeAll(async () => {
    sandbox = await startSandbox()
    // below the examples, so that the packages are found as a user finds them
    await mkdir(join(root, "examples/dist"), { recursive: true })
    folder = await mkdtemp(join(root, "examples/dist/packages-"))
  })
  afterAll(async () => {
    await sandbox.close()
    await rm(folder, { recursive: true })
  })

  /** Writes the one example of a package's page to a file. */
  const example = async (name: string, language: string, to: string): Promise<string> => {
    const text = await readFile(join(root, "packages", name, file), "utf8")
    const blocks = Array.from(text.matchAll(new RegExp(`^\`\`\`${language}\n([^]*?)\`\`\``, "gm")), ([, code]) => code!)
    assert.strictEqual(blocks.length, 1)
    await writeFile(join(folder, to), blocks[0]!)
    return join(folder, to)
  }
  const env = () => ({ PATH: process.env["PATH"], XDG_STATE_HOME: process.env["XDG_STATE_HOME"], ...sandbox.env })

  it("core: a client over an HttpClient", async () => {
    const program = await example("core", "ts", "core.ts")
    // It calls QQ. In this test the sandbox is in its place.
    const there = `const real = globalThis.fetch
      globalThis.fetch = (url, init) => real(String(url).replace("https://api.q.qq.com", "${sandbox.url}"), init)`
    const preload = ["--import", `data:text/javascript,${encodeURIComponent(there)}`]
    const { stdout } = await run(process.execPath, [...preload, program], { env: env() })
    assert.strictEqual(stdout, `${passed}\n`)
  })

  it("node: a program whose settings are in the environment", async () => {
    const { openid } = await sandbox.login()
    const program = await example("node", "ts", "node.ts")
    const text = await readFile(program, "utf8")
    await writeFile(program, text.replace("THE_USERS_OPENID", openid).replace("THE_TEMPLATE", defaultTemplate))
    const { stdout } = await run(process.execPath, [program], { env: env() })
    assert.strictEqual(stdout, `${notSubscribed}\n`)
  })

  it("edge: a Worker with a Durable Object", async () => {
    const worker = await example("edge", "js", "worker.js")
    await using workers = await startWorkers(bundleEdge(worker, `packages-${passed}.mjs`))
    const response = await workers.ask(0, "/", { method: "POST", body: "你好" })
    assert.deepStrictEqual(await response.json(), { risky: false })
    assert.strictEqual(await workers.fetches(), 1)
  })

  it("sandbox: a test", async () => {
    await example("sandbox", "ts", "sandbox.test.ts")
    await writeFile(join(folder, "vitest.config.ts"), `export default { test: { include: ["*.test.ts"] } }`)
    const vitest = join(root, "node_modules/vitest/vitest.mjs")
    const { stdout } = await run(process.execPath, [vitest, "run", "--root", folder], {
      env: { ...env(), NO_COLOR: "1" },
      cwd: folder
    })
    assert.match(stdout, /Tests {2}1 passed/)
  })
})
