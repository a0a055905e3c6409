/** The README's demo and the examples, as processes of their own, as people run them. */
import * as SandboxServer from "@qq-mini/sandbox/SandboxServer"
import { spawn } from "node:child_process"
import { mkdtemp, readdir, readFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { text } from "node:stream/consumers"
import { fileURLToPath } from "node:url"
import jsQR from "jsqr"
import { PNG } from "pngjs"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { first, risky } from "./support/calls.ts"

const example = (name: string) => fileURLToPath(new URL(`../../examples/src/${name}`, import.meta.url))

const start = (
  name: string,
  options: { args?: ReadonlyArray<string>; env?: Record<string, string>; cwd?: string } = {}
) =>
  spawn(process.execPath, [example(name), ...(options.args ?? [])], {
    cwd: options.cwd,
    env: {
      PATH: process.env["PATH"],
      XDG_STATE_HOME: process.env["XDG_STATE_HOME"],
      NO_COLOR: "1",
      ...options.env
    }
  })

const finish = async (child: ReturnType<typeof start>) => {
  const exit = new Promise<number | null>((resolve) => child.on("exit", resolve))
  const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), exit])
  return { code, output: stdout + stderr }
}

const readQR = jsQR as unknown as typeof jsQR.default

describe("the commands", () => {
  let sandbox: SandboxServer.Running
  beforeAll(async () => {
    sandbox = await SandboxServer.start()
  })
  afterAll(() => sandbox.close())
  const env = () => ({
    QQ_APPID: first.appid,
    QQ_APPSECRET: String(first.appsecret),
    QQ_BASE_URL: sandbox.url
  })

  it("the demo walks through all six calls, writes a mini code that reads, and ends with 0", async () => {
    const cwd = await mkdtemp(join(tmpdir(), "qq-mini-"))
    const { code, output } = await finish(start("demo.ts", { cwd }))
    assert.strictEqual(code, 0, output)
    for (const part of [
      "auth.getAccessToken",
      "auth.code2Session",
      "acode.getMiniCode",
      "security.msgSecCheck",
      "security.imgSecCheck",
      "subscribeMessage.send",
      "NotSubscribed",
      "用户未订阅该消息",
      "█▀"
    ]) {
      assert.include(output, part)
    }
    assert.notInclude(output, "✗")
    const [file] = await readdir(cwd)
    const picture = PNG.sync.read(await readFile(join(cwd, file!)))
    const read = readQR(new Uint8ClampedArray(picture.data), picture.width, picture.height)
    assert.include(read?.data, first.appid)
    for (const line of output.split("\n")) assert.notInclude(line, String(first.appsecret))
  })

  it("the demo's drawing in the terminal is the same code, square by square", async () => {
    const cwd = await mkdtemp(join(tmpdir(), "qq-mini-"))
    const { output } = await finish(start("demo.ts", { cwd }))
    const lines = output.split("\n").filter((line) => /^ {4}[ █▀▄]+$/.test(line) || /^ {4}█/.test(line))
    const rows = lines.map((line) => line.slice(4))
    const width = Math.max(...rows.map((row) => row.length))
    // each square 4 × 4 pixels, so that a reader can read it
    const scale = 4
    const pixels = new Uint8ClampedArray(width * scale * rows.length * 2 * scale * 4).fill(255)
    for (const [y, row] of rows.entries()) {
      for (let x = 0; x < width; x++) {
        const c = row[x] ?? " "
        for (const [half, light] of [c === "█" || c === "▀", c === "█" || c === "▄"].entries()) {
          for (let i = 0; i < scale * scale; i++) {
            const px = x * scale + (i % scale)
            const py = (y * 2 + half) * scale + Math.floor(i / scale)
            if (!light) pixels.fill(0, (py * width * scale + px) * 4, (py * width * scale + px) * 4 + 3)
          }
        }
      }
    }
    const read = readQR(pixels, width * scale, rows.length * 2 * scale)
    assert.include(read?.data, first.appid)
  })

  it("the demo calls QQ itself when QQ_APPID and QQ_APPSECRET are set, and says what it leaves out", async () => {
    const { code, output } = await finish(start("demo.ts", { env: env() }))
    assert.strictEqual(code, 0, output)
    assert.include(output, sandbox.url)
    assert.include(output, "QQ_DEMO_CODE")
  })

  it("the demo ends with 1 when something answers as nobody expects", async () => {
    const { code, output } = await finish(start("demo.ts", { env: { ...env(), QQ_APPSECRET: "wrong" } }))
    assert.strictEqual(code, 1)
    assert.include(output, "AppSecret")
    assert.notInclude(output, "    at ")
    const alone = await finish(start("demo.ts", { env: { QQ_APPID: first.appid } }))
    assert.strictEqual(alone.code, 1)
    assert.include(alone.output, "QQ_APPSECRET")
  })

  it("the Effect program checks a text", async () => {
    assert.deepStrictEqual(await finish(start("effect.ts", { args: ["你好"], env: env() })), {
      code: 0,
      output: "passed\n"
    })
    assert.strictEqual((await finish(start("effect.ts", { args: [risky], env: env() }))).output, "risky\n")
    const wrong = await finish(start("effect.ts", { env: { ...env(), QQ_APPSECRET: "wrong" } }))
    assert.include(wrong.output, "AppSecret 错误")
  })

  it("the plain app serves checks, and refuses what could not be checked", async () => {
    const child = start("plain.ts", { env: env() })
    const port = await new Promise<number>((resolve) =>
      child.stdout.once("data", (line: Buffer) => resolve(JSON.parse(line.toString()).port))
    )
    const post = async (body: string) => {
      const response = await fetch(`http://127.0.0.1:${port}`, { method: "POST", body })
      return [response.status, await response.text()]
    }
    assert.deepStrictEqual(await post("你好"), [200, "passed"])
    assert.deepStrictEqual(await post(risky), [422, "risky"])
    assert.strictEqual((await post(""))[0], 400)
    await sandbox.run((platform) => platform.fault({ kind: "empty", endpoint: "security.msgSecCheck", times: 3 }))
    assert.strictEqual((await post("你好"))[0], 503)
    child.kill("SIGTERM")
    assert.strictEqual(await new Promise((resolve) => child.on("exit", resolve)), 0)
  })
})
