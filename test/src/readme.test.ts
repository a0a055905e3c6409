/** The code of both READMEs, run as it stands there. */
import { cases } from "@qq-mini/core/testing/TokenCacheConformance"
import { type ChildProcess, execFile, spawn } from "node:child_process"
import { once } from "node:events"
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
  ["README.md", "passed", "did not subscribe|touser"],
  ["README.zh-CN.md", "通过", "用户未订阅|touser"]
])("%s", (file, passed, told) => {
  let blocks: ReadonlyArray<string>
  let folder: string
  let sandbox: ChildProcess
  let variables: Record<string, string>
  beforeAll(async () => {
    const text = await readFile(join(root, file), "utf8")
    const [, server] = text.match(/```js\n\/\/ examples\/sandbox.mjs\n([\s\S]*?)```/)!
    blocks = [...text.matchAll(/```ts\n([\s\S]*?)```/g)].map((match) => match[1]!)
    // below the examples, so that the packages are found as a user finds them
    await mkdir(join(root, "examples/dist"), { recursive: true })
    folder = await mkdtemp(join(root, "examples/dist/readme-"))
    await writeFile(join(folder, "sandbox.mjs"), server!)
    sandbox = spawn(process.execPath, [join(folder, "sandbox.mjs")], { stdio: ["ignore", "pipe", "inherit"] })
    const [line] = await once(sandbox.stdout!, "data")
    variables = Object.fromEntries(new URLSearchParams(String(line).trim().replaceAll(" ", "&")))
  })
  afterAll(async () => {
    sandbox.kill()
    await rm(folder, { recursive: true })
  })
  const env = () => ({
    PATH: process.env["PATH"],
    XDG_STATE_HOME: process.env["XDG_STATE_HOME"],
    ...variables
  })

  it("its Effect program and its plain app run", async () => {
    assert.strictEqual(blocks.length, 6)
    const [effect, plain] = blocks
    for (const [name, block, expected] of [
      ["effect.ts", effect, new RegExp(`^${passed}\n(${told})`)],
      ["plain.ts", plain, new RegExp(`^${passed}\ndata:image/png;base64,\nInvalidCode false 登录`)]
    ] as const) {
      await writeFile(join(folder, name), block!)
      const { stdout } = await run(process.execPath, [join(folder, name)], { env: env() })
      assert.match(stdout, expected)
    }
  })

  it("its tests pass", async () => {
    for (const [i, block] of blocks.slice(2).entries()) await writeFile(join(folder, `readme${i}.test.ts`), block)
    await writeFile(join(folder, "vitest.config.ts"), `export default { test: { include: ["*.test.ts"] } }`)
    const vitest = join(root, "node_modules/vitest/vitest.mjs")
    const { stdout } = await run(process.execPath, [vitest, "run", "--root", folder], {
      env: { ...env(), NO_COLOR: "1" },
      cwd: folder
    })
    // and each case of the contract
    assert.match(stdout, new RegExp(`Tests {2}${4 + cases.length} passed`))
  })

  it("its Worker answers on workerd", async () => {
    const text = await readFile(join(root, file), "utf8")
    const code = [...text.matchAll(/```js\n([\s\S]*?)```/g)].find(([, code]) => code!.includes("cloudflare:workers"))
    await writeFile(join(folder, "worker.js"), code![1]!)
    await using workers = await startWorkers(bundleEdge(join(folder, "worker.js"), `readme-${passed}.mjs`))
    const response = await workers.ask(0, "/", { method: "POST", body: "你好" })
    assert.deepStrictEqual(await response.json(), { risky: false })
  })
})
