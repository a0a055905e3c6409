/** The commands of `qq-mini` that make one call or none, against the sandbox. */
import type { TestSandbox } from "@qq-mini/sandbox/testing"
import { createCipheriv, createHash, randomBytes } from "node:crypto"
import { readdir, readFile } from "node:fs/promises"
import { join } from "node:path"
import jsQR from "jsqr"
import { PNG } from "pngjs"
import { assert, beforeEach, describe, it } from "vitest"
import { inSandbox, qqMini, qqMiniJson } from "../support/cli.ts"
import { Terminal } from "../support/terminal.ts"

const readQR = jsQR as unknown as typeof jsQR.default

/** What a drawing of half blocks shows, each square 4 × 4 pixels, so that a reader can read it. */
const readDrawing = (drawing: string) => {
  const rows = drawing
    .split("\n")
    .flatMap((line) => [
      Array.from(line, (c) => c === "█" || c === "▀"),
      Array.from(line, (c) => c === "█" || c === "▄")
    ])
  const width = rows[0]!.length * 4
  const pixels = rows.flatMap((row) => {
    const line = row.flatMap((light) => Array.from({ length: 4 }, () => (light ? 255 : 0)))
    return Array.from({ length: 4 }, () => line.flatMap((value) => [value, value, value, 255])).flat()
  })
  return readQR(new Uint8ClampedArray(pixels), width, rows.length * 4)?.data
}

describe("the commands", () => {
  let sandbox: TestSandbox
  let cwd: string
  let env: Record<string, string>
  const setUp = inSandbox()
  beforeEach(async () => {
    ;({ cwd, env, sandbox } = await setUp())
  })

  it("S1: token shows its end, when it expires and where it is; all of it only with --show", async () => {
    const { value } = await qqMiniJson(["token", "--show"], { env })
    assert.match(value.access_token, /^[\w-]{40,}$/)
    assert.approximately(value.expires_in, 7_190, 10)
    const masked = await qqMini(["token"], { env })
    assert.notInclude(masked.stdout, value.access_token)
    assert.include(masked.stdout, `…${value.access_token.slice(-4)} `)
    assert.include(masked.stdout, env["QQ_STORE"]!)
    assert.lengthOf(await sandbox.requests("auth.getAccessToken"), 1)
  })

  /** Runs `token --refresh` in a terminal, and types the answer when it asks. */
  const refreshInTerminal = async (answer: string): Promise<string> => {
    const terminal = new Terminal("token --refresh", { cwd, env })
    await terminal.until(/\(y\/N\)/)
    terminal.type(answer)
    return terminal.ended
  }

  it("token --refresh asks first, and needs --yes where nobody can answer", async () => {
    const fetched = async () => (await sandbox.requests("auth.getAccessToken")).length
    await qqMini(["token"], { env })
    assert.strictEqual((await qqMiniJson(["token", "--refresh"], { env })).code, 2)
    assert.include(await refreshInTerminal("n"), "Nothing was changed")
    assert.strictEqual(await fetched(), 1)
    assert.include(await refreshInTerminal("y"), "access_token")
    assert.strictEqual(await fetched(), 2)
    assert.strictEqual((await qqMini(["token", "--refresh", "--yes"], { env })).code, 0)
    assert.strictEqual(await fetched(), 3)
  })

  it("token is that of the program that --appid selects", async () => {
    const other = JSON.parse(env["QQ_APPS"]!)[1].appid
    assert.strictEqual((await qqMiniJson(["token", "--appid", other], { env })).value.appid, other)
    assert.deepStrictEqual(
      (await sandbox.requests("auth.getAccessToken")).map(({ appid }) => appid),
      [other]
    )
  })

  it("session gives the openid, and the key only with --show; the code may be on the standard input", async () => {
    const one = await sandbox.login()
    const masked = await qqMiniJson(["session", "-"], { env, stdin: `${one.code}\n` })
    assert.strictEqual(masked.value.openid, one.openid)
    assert.strictEqual(masked.value.session_key, `…${one.session_key.slice(-4)}`)
    const other = await sandbox.login()
    assert.strictEqual(
      (await qqMiniJson(["session", other.code, "--show"], { env })).value.session_key,
      other.session_key
    )
    assert.strictEqual((await qqMiniJson(["session", other.code], { env })).value.error.reason, "InvalidCode")
  })

  it("minicode saves a code that reads, draws the same, and counts what is left", async () => {
    const { code, stderr, stdout } = await qqMini(["minicode", "pages/index/index"], { env, cwd })
    assert.strictEqual(code, 0, stderr)
    assert.include(stdout, "49 of 50")
    const { data, height, width } = PNG.sync.read(await readFile(join(cwd, "minicode-pages-index-index.png")))
    const shown = readQR(new Uint8ClampedArray(data), width, height)?.data
    assert.include(shown, sandbox.options.appid)
    assert.strictEqual(readDrawing(stdout.slice(0, stdout.lastIndexOf("█") + 1)), shown)
    const other = await qqMiniJson(["minicode", "--out", "home.png"], { env, cwd })
    assert.deepInclude(other.value, { file: "home.png", left: 48 })
  })

  it("minicode spends no code that it can't save, and counts none that QQ did not make", async () => {
    assert.strictEqual((await qqMini(["minicode", "--out", "one.png"], { env, cwd })).code, 0)
    assert.strictEqual((await qqMini(["minicode", "--out", "one.png"], { env, cwd })).code, 2)
    assert.strictEqual((await qqMini(["minicode", "--out", "no/folder.png"], { env, cwd })).code, 2)
    assert.lengthOf(await sandbox.requests("acode.getMiniCode"), 1)
    assert.strictEqual((await qqMini(["minicode", "pages/none", "--out", "none.png"], { env, cwd })).code, 3)
    assert.notInclude(await readdir(cwd), "none.png")
    assert.strictEqual((await qqMiniJson(["minicode", "--out", "two.png"], { env, cwd })).value.left, 48)
  })

  it("decrypt reads flags or JSON on the standard input, and refuses the data of another program", async () => {
    const key = randomBytes(16)
    const iv = randomBytes(16)
    const seal = (appid: string) => {
      const cipher = createCipheriv("aes-128-cbc", key, iv)
      const text = JSON.stringify({ openId: "O", watermark: { appid, timestamp: 1_700_000_000 } })
      return Buffer.concat([cipher.update(text), cipher.final()]).toString("base64")
    }
    const session_key = key.toString("base64")
    const data = { encryptedData: seal(sandbox.options.appid), iv: iv.toString("base64"), session_key }
    const piped = await qqMiniJson(["decrypt", "-"], { env, stdin: JSON.stringify(data) })
    assert.strictEqual(piped.value.openId, "O")
    const flags = ["decrypt", "--encrypted-data", data.encryptedData, "--iv", data.iv]
    // The appid needs no secret.
    const alone = { QQ_APPID: sandbox.options.appid, QQ_SESSION_KEY: session_key }
    assert.strictEqual((await qqMiniJson(flags, { env: alone })).value.openId, "O")
    const foreign = await qqMini(flags, { env: { ...alone, QQ_APPID: "1198765432" } })
    assert.strictEqual(foreign.code, 1)
    assert.notInclude(foreign.stdout + foreign.stderr, session_key)
  })

  it("verify accepts what sign made, of each kind, and nothing else", async () => {
    const session = { ...env, QQ_SESSION_KEY: "o0q0otL8aEzpcZL/FT9WsQ==" }
    const signature = async (...args: ReadonlyArray<string>) =>
      (await qqMini(["sign", ...args], { env: session })).stdout.trim()
    // QQ's own sample.
    const login = await signature("login-state", '{"foo":"bar"}')
    assert.strictEqual(login, "654571f79995b2ce1e149e53c0a33dc39c0a74090db514261454e8dbe432aa0b")
    const user = await signature("user-data", '{"nickName":"Q"}')
    assert.strictEqual(user, createHash("sha1").update(`{"nickName":"Q"}${session.QQ_SESSION_KEY}`).digest("hex"))
    const notice = { openid: "O", bill_no: "b1", amt: "1", ts: "1700000000" }
    const sig = await signature("pay-notification", JSON.stringify(notice), "--path", "/paid")
    const form = new URLSearchParams({ ...notice, sig }).toString()
    const verified = async (args: ReadonlyArray<string>, stdin: string) =>
      (await qqMiniJson(["verify", ...args], { env: session, stdin })).code
    assert.strictEqual(await verified(["login-state", "-", "--signature", login], '{"foo":"bar"}\n'), 0)
    assert.strictEqual(await verified(["login-state", "-", "--signature", login], '{"foo":"baz"}'), 1)
    assert.strictEqual(await verified(["user-data", "-", "--signature", user], '{"nickName":"Q"}'), 0)
    assert.strictEqual(await verified(["pay-notification", "-", "--path", "/paid"], form), 0)
    assert.strictEqual(await verified(["pay-notification", "-", "--path", "/other"], form), 1)
  })
})
