/** The control API of a running sandbox: its methods, its events, and who may use it. */
import { createQQMini } from "@qq-mini/node"
import { startSandbox, type TestSandbox } from "@qq-mini/sandbox/testing"
import { request } from "node:http"
import { assert, describe, it } from "vitest"
import { first, second } from "../support/calls.ts"
import { assertNone } from "../support/seen.ts"
import { type Event, readEvents } from "./events.ts"

const post = async ({ url }: TestSandbox, path: string, body: unknown, headers = {}) => {
  const response = await fetch(`${url}/sandbox/${path}`, { method: "POST", body: JSON.stringify(body), headers })
  return { status: response.status, text: await response.text() }
}

const act = async (sandbox: TestSandbox, method: string, ...args: ReadonlyArray<unknown>) =>
  JSON.parse((await post(sandbox, `do/${method}`, args)).text)

/** `fetch` does not send another Host. */
const statusFor = ({ url }: TestSandbox, headers: Readonly<Record<string, string>>) =>
  new Promise<number | undefined>((resolve, reject) => {
    request(`${url}/sandbox/do/heal`, { method: "POST", headers }, (response) => {
      resolve(response.resume().statusCode)
    })
      .on("error", reject)
      .end("[]")
  })

const idsOf = (events: ReadonlyArray<Event>) => events.filter(({ event }) => event === "request").map(({ id }) => id)

describe("the control API", () => {
  it("calls the platform's methods, and says in both languages what is wrong", async () => {
    await using sandbox = await startSandbox()
    await using qq = createQQMini({ ...sandbox.options, attempts: 1 })
    const { result } = await act(sandbox, "login", { user: "ann" })
    assert.strictEqual((await qq.auth.code2Session({ code: result.code })).openid, result.openid)
    await act(sandbox, "fault", { kind: "code", code: 40036, endpoint: "acode.getMiniCode", share: 1 })
    assert.strictEqual(await qq.acode.getMiniCode().catch(({ code }) => code), 40036)
    assert.deepStrictEqual(await act(sandbox, "heal"), { result: null })
    await qq.acode.getMiniCode()
    for (const [method, body, en, zh] of [
      ["logn", [], "must be one of login", "必须是以下之一"],
      ["login", [1, 2], "one argument at most", "最多一个参数"],
      ["login", [{ appid: "42" }], "must be one of 1112345678", "必须是以下之一"],
      ["subscribe", { openid: "nobody" }, "belongs to no user", "没有该用户"],
      ["pay", { bill_no: "1", url: "file:///etc" }, "must be a URL", "必须是以 http"],
      ["fault", { kind: "slowBody", delay: "soon" }, "must be milliseconds", "必须是毫秒数"]
    ] as const) {
      const { status, text } = await post(sandbox, `do/${method}`, body)
      const { error } = JSON.parse(text)
      assert.strictEqual(status, 400, method)
      assert.include(error.en, en)
      assert.include(error.zh, zh)
    }
  })

  it("refuses foreign pages and names that lead here", async () => {
    await using sandbox = await startSandbox()
    const { host, port } = new URL(sandbox.url)
    assert.strictEqual(await statusFor(sandbox, { host, origin: sandbox.url }), 200)
    assert.strictEqual(await statusFor(sandbox, { host: `localhost:${port}` }), 200)
    assert.strictEqual(await statusFor(sandbox, { host: `[::1]:${port}` }), 200)
    for (const headers of [
      { host: `rebound.example:${port}` },
      { host: `127.0.0.1.example:${port}` },
      { host, origin: "http://foreign.example" },
      { host, origin: "http://127.0.0.1:1" },
      { host, origin: "null" }
    ]) {
      assert.strictEqual(await statusFor(sandbox, headers), 403, JSON.stringify(headers))
    }
  })

  it("sends a reader that comes back what it missed, and all that is kept after a restart", async () => {
    await using sandbox = await startSandbox()
    const call = () => fetch(`${sandbox.url}/nothing`)
    await call()
    await call()
    const all = await readEvents(sandbox.url, (events) => idsOf(events).length === 2)
    assert.strictEqual(all[0]?.event, "state")
    await call()
    const lastId = idsOf(all).at(-1)!
    const missed = await readEvents(sandbox.url, (events) => idsOf(events).length === 1, lastId)
    assert.notInclude(idsOf(all), idsOf(missed)[0])
    await readEvents(sandbox.url, (events) => idsOf(events).length === 3, `another.${lastId}`)
    // No more than 200 are kept.
    for (let i = 0; i < 210; i++) await call()
    const kept = idsOf(await readEvents(sandbox.url, (events) => idsOf(events).length === 200))
    assert.strictEqual(new Set(kept).size, 200)
    assert.notInclude(kept, lastId)
  })

  it("S1: shows no secret, token, session key or signature", async () => {
    await using sandbox = await startSandbox()
    await using qq = createQQMini(sandbox.options)
    const secrets = [String(first.appsecret), String(second.appsecret), await sandbox.stealToken()]
    const shown = [(await post(sandbox, "do/login", { user: "ann" })).text]
    shown.push((await post(sandbox, "do/stealToken", [])).text)
    const { code, openid, session_key } = await sandbox.login({ user: "ann" })
    secrets.push(session_key)
    await qq.auth.code2Session({ code, needKey: true })
    const token = await qq.auth.getAccessToken()
    secrets.push(token)
    await qq.gamePay.prePay({ openid, session_key, bill_no: "1", amt: 1, goodid: "1", good_num: 1 })
    await qq.openData.setUserStorage({ openid, session_key, kv_list: [{ key: "score", value: "1" }] })
    // What an app may do by mistake.
    await qq.security.msgSecCheck({ content: `${token} ${encodeURIComponent(session_key)} ${first.appsecret}` })
    await fetch(`${sandbox.url}/api/get_token?secret=anotherSecret&appSecret=anotherSecret`)
    secrets.push("anotherSecret")
    // Half a token is too much, too.
    await sandbox.fault({ kind: "truncated", endpoint: "auth.getAccessToken" })
    const half = await fetch(
      `${sandbox.url}/api/getToken?grant_type=client_credential&appid=${first.appid}&secret=${first.appsecret}`
    )
    secrets.push((await half.text()).slice('{"access_token":"'.length))
    const trial = { call: "auth.getAccessToken", appid: first.appid, input: {} }
    shown.push((await post(sandbox, "try", trial)).text, (await post(sandbox, "do/requests", [])).text)
    const events = await readEvents(sandbox.url, (events) => idsOf(events).length === 8)
    shown.push(JSON.stringify(events))
    for (const text of ["prePay", "score", openid]) assert.include(shown.join("\n"), text)
    assertNone(shown.join("\n"), secrets)
    assert.notMatch(shown.join("\n"), /"(sig|signature|access_token|openkey)":"(?!•••)/)
  })
})
