/** `qq-mini sandbox`, `trigger` and `logs`: a process that runs the platform, and others that talk to it. */
import { createQQMini } from "@qq-mini/node"
import type { ChildProcess } from "node:child_process"
import { once } from "node:events"
import { mkdtemp, writeFile } from "node:fs/promises"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { text } from "node:stream/consumers"
import { assert, describe, it } from "vitest"
import { qqMini, qqMiniJson, startQQMini } from "../support/cli.ts"

/** Ends a process as Ctrl+C does, and gives its exit code. */
const interrupt = async (child: ChildProcess) => {
  const exit = once(child, "exit")
  child.kill("SIGINT")
  return (await exit)[0] as number | null
}

/** The first line that a process prints. */
const firstLine = (child: ReturnType<typeof startQQMini>): Promise<string> =>
  new Promise((resolve, reject) => {
    createInterface({ input: child.stdout }).once("line", resolve)
    child.once("exit", (code) => reject(new Error(`it ended with ${code}`)))
  })

/** A running sandbox, until the test ends. */
const running = async (...args: ReadonlyArray<string>) => {
  const child = startQQMini(["sandbox", "--port", "0", "--json", ...args])
  const ready = JSON.parse(await firstLine(child)) as {
    readonly url: string
    readonly console: string
    readonly env: { readonly QQ_APPID: string; readonly QQ_APPSECRET: string }
    readonly users: Readonly<Record<string, string>>
  }
  const qq = createQQMini({
    appid: ready.env.QQ_APPID,
    appsecret: ready.env.QQ_APPSECRET,
    baseUrl: ready.url,
    store: "memory",
    attempts: 1
  })
  return {
    ...ready,
    qq,
    child,
    trigger: (...event: ReadonlyArray<string>) => qqMiniJson(["trigger", "--url", ready.url, ...event]),
    [Symbol.asyncDispose]: async () => {
      await qq.close()
      if (child.exitCode === null) await interrupt(child)
    }
  }
}

/** The developer's server: takes what QQ posts. */
const receiver = async () => {
  const got: Array<Record<string, unknown>> = []
  const server = createServer(async (request, response) => {
    got.push(JSON.parse(await text(request)))
    response.end('{"code":0,"msg":"成功"}')
  }).listen(0, "127.0.0.1")
  await once(server, "listening")
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/qq`
  return { got, url, [Symbol.asyncDispose]: async () => void server.close() }
}

describe("qq-mini sandbox", () => {
  it("says what to set for each shell, and stops at Ctrl+C", async () => {
    const shells = {
      sh: /^export QQ_BASE_URL='(http:.*)'$/m,
      powershell: /^\$env:QQ_BASE_URL = '(http:.*)'$/m,
      dotenv: /^QQ_BASE_URL='(http:.*)'$/m
    }
    for (const [shell, line] of Object.entries(shells)) {
      const child = startQQMini(["sandbox", "--port", "0", "--shell", shell, "--lang", "zh"])
      const output = text(child.stdout)
      await new Promise((resolve) => child.stdout.once("data", resolve))
      assert.strictEqual(await interrupt(child), 130)
      const url = line.exec(await output)?.[1]
      assert.include(await output, `控制台  ${url}/sandbox/`)
      assert.include(await output, "QQ_APPSECRET")
    }
  })

  it("serves the console; forwards payments and pushes; trigger makes them happen", async () => {
    await using server = await receiver()
    await using sandbox = await running("--forward-to", server.url)
    assert.strictEqual((await fetch(`${sandbox.console}openapi.json`)).status, 200)
    const { code, openid } = (await sandbox.trigger("login", "alice")).value.result
    const pushed = await sandbox.trigger("push", openid)
    assert.isTrue(pushed.value.result.accepted)
    assert.deepInclude(server.got[0]!, { MsgType: "game_formid", OpenId: openid })
    const { session_key } = await sandbox.qq.auth.code2Session({ code, needKey: true })
    const order = { amt: 10, bill_no: "bill-1", goodid: "43", good_num: 1, pf: "qq_m_qq-2001-android-2011" } as const
    await sandbox.qq.gamePay.prePay({ openid, session_key: session_key!, ...order })
    assert.isTrue((await sandbox.trigger("payment", "bill-1")).value.result.accepted)
    assert.deepInclude(server.got[1]!, { openid, bill_no: "bill-1" })
    // An order that nobody made.
    assert.strictEqual((await sandbox.trigger("payment", "none")).code, 1)
    assert.lengthOf(server.got, 2)
    const wrong = await sandbox.trigger("push", "nobody")
    assert.deepStrictEqual([wrong.code, wrong.value.error.reason], [2, "WrongUsage"])
  })

  it("trigger busy makes a call fail as often as it is told", async () => {
    await using sandbox = await running()
    const check = () => sandbox.qq.security.msgSecCheck({ content: "x" }).then(String, ({ reason }) => reason._tag)
    await sandbox.trigger("busy", "security.msgSecCheck", "--set", "times=2")
    assert.deepStrictEqual([await check(), await check()], ["SystemBusy", "SystemBusy"])
    assert.strictEqual(await check(), "[object Object]")
  })

  it("a scenario has texts that are risky, users, and what happens to them", async () => {
    const folder = await mkdtemp(join(tmpdir(), "qq-mini-cli-"))
    const file = join(folder, "scenario.json")
    const steps = [{ login: { user: "alice" } }, { subscribe: { openid: "$alice" } }]
    await writeFile(file, JSON.stringify({ riskyTexts: ["unlucky"], steps }))
    await using sandbox = await running("--scenario", file)
    assert.isTrue((await sandbox.qq.security.msgSecCheck({ content: "an unlucky text" })).risky)
    await sandbox.qq.subscribeMessage.send({
      touser: sandbox.users["alice"]!,
      template_id: "sandbox-template",
      data: { keyword1: { value: "hi" } }
    })
    for (const wrong of [{ steps: [{ log: {} }] }, { steps: {} }, { riskyText: [] }]) {
      await writeFile(file, JSON.stringify(wrong))
      assert.strictEqual((await qqMini(["sandbox", "--port", "0", "--scenario", file])).code, 2)
    }
  })

  it("logs shows the requests so far, and follows those that come", async () => {
    await using sandbox = await running()
    await sandbox.qq.security.msgSecCheck({ content: "before" })
    const all = await qqMini(["logs", "--url", sandbox.url])
    assert.include(all.stdout, "auth.getAccessToken")
    assert.include(all.stdout, '{"content":"before"}')
    const follower = startQQMini(["logs", "--follow", "--json", "--call", "security.msgSecCheck", "--url", sandbox.url])
    const lines = createInterface({ input: follower.stdout })[Symbol.asyncIterator]()
    const next = async () => JSON.parse((await lines.next()).value as string).params.content
    assert.strictEqual(await next(), "before")
    await sandbox.qq.security.msgSecCheck({ content: "after" })
    assert.strictEqual(await next(), "after")
    assert.strictEqual(await interrupt(follower), 130)
  })

  it("says what listening on another address means", async () => {
    const child = startQQMini(["sandbox", "--port", "0", "--host", "0.0.0.0"])
    const warning = text(child.stderr)
    await new Promise((resolve) => child.stdout.once("data", resolve))
    await interrupt(child)
    assert.include(await warning, "Everybody who can reach")
  })

  it("says that its port is taken, and trigger and logs that no sandbox runs", async () => {
    await using sandbox = await running()
    const { port } = new URL(sandbox.url)
    const taken = await qqMiniJson(["sandbox", "--port", port])
    assert.deepStrictEqual([taken.code, taken.value.error.reason], [2, "CannotListen"])
    await interrupt(sandbox.child)
    for (const args of [["trigger", "heal"], ["logs"], ["logs", "--follow"]]) {
      const { code, value } = await qqMiniJson([...args, "--url", sandbox.url])
      assert.deepStrictEqual([code, value.error.reason], [4, "SandboxAway"])
    }
  })
})
