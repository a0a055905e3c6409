/** The client for plain apps. */
import { make as fromLayer } from "@qq-mini/core/Promise"
import { QQMini } from "@qq-mini/core/QQMini"
import { createQQMini, isQQError, type QQError } from "@qq-mini/node"
import * as SandboxServer from "@qq-mini/sandbox/SandboxServer"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { getEventListeners } from "node:events"
import { mkdtemp, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { inspect } from "node:util"
import { afterAll, afterEach, assert, beforeAll, describe, it, vi } from "vitest"
import { first, risky, second, template_id } from "./support/calls.ts"

const failure = (promise: Promise<unknown>): Promise<QQError> =>
  promise.then(
    () => assert.fail("was expected to fail"),
    (error: unknown) => (isQQError(error) ? error : assert.fail(`no QQError: ${String(error)}`))
  )

describe("createQQMini", () => {
  let sandbox: SandboxServer.Running
  beforeAll(async () => {
    sandbox = await SandboxServer.start()
  })
  afterAll(() => sandbox.close())
  afterEach(() => vi.unstubAllEnvs())
  const create = () =>
    createQQMini({ appid: first.appid, appsecret: first.appsecret, apps: [second], baseUrl: sandbox.url })

  it("gives plain values: the token and the session key are strings", async () => {
    await using qq = create()
    const token: string = await qq.auth.getAccessToken()
    assert.strictEqual(token.length, 64)
    const { code, openid } = await sandbox.run((platform) => platform.login())
    const session = await qq.auth.code2Session({ code, needKey: true })
    assert.strictEqual(session.openid, openid)
    const key: string | undefined = session.session_key
    assert.strictEqual(atob(key!).length, 16)
    const { bytes, dataUrl, mediaType } = await qq.acode.getMiniCode()
    assert.isTrue(bytes instanceof Uint8Array && dataUrl.startsWith(`data:${mediaType};base64,`))
    assert.deepStrictEqual(await qq.security.msgSecCheck({ content: risky }), { risky: true })
    await sandbox.run((platform) => platform.subscribe({ openid }))
    assert.isUndefined(
      await qq.subscribeMessage.send({ touser: openid, template_id, data: { keyword1: { value: "x" } } })
    )
  })

  it("works for another program", async () => {
    await using qq = create()
    const other = qq.app(second.appid)
    const { code, openid } = await sandbox.run((platform) => platform.login({ appid: second.appid }))
    assert.strictEqual((await other.auth.code2Session({ code })).openid, openid)
  })

  it("throws the same QQError", async () => {
    await using qq = create()
    const error = await failure(qq.auth.code2Session({ code: "no such" }))
    assert.strictEqual(error.reason._tag, "InvalidCode")
    assert.instanceOf(error, Error)
    assert.strictEqual(error.name, "QQError")
  })

  it("takes an AbortSignal: rejects with its reason, and leaves no listener behind", async () => {
    await using qq = create()
    await qq.auth.getAccessToken()
    const controller = new AbortController()
    for (let i = 0; i < 50; i++) await qq.security.msgSecCheck({ content: "x" }, { signal: controller.signal })
    assert.strictEqual(getEventListeners(controller.signal, "abort").length, 0)
    await sandbox.run((platform) =>
      platform.fault({ kind: "slowHeaders", endpoint: "security.msgSecCheck", delay: "5 seconds" })
    )
    const reason = new Error("the user went away")
    const call = qq.security.msgSecCheck({ content: "x" }, { signal: controller.signal })
    setTimeout(() => controller.abort(reason), 50)
    assert.strictEqual(await call.catch((error: unknown) => error), reason)
    const late = qq.security.msgSecCheck({ content: "x" }, { signal: controller.signal })
    assert.strictEqual(await late.catch((error: unknown) => error), reason)
    assert.deepStrictEqual(await qq.security.msgSecCheck({ content: "x" }), { risky: false })
  })

  it("takes options for one call", async () => {
    await using qq = create()
    await sandbox.run((platform) =>
      platform.fault({ kind: "slowHeaders", endpoint: "security.msgSecCheck", delay: "5 seconds" })
    )
    await qq.auth.getAccessToken()
    const error = await failure(qq.security.msgSecCheck({ content: "x" }, { deadline: "200 millis" }))
    assert.strictEqual(error.reason._tag, "TimedOut")
  })

  it("fails with ClientClosed after close, which can be called twice", async () => {
    const qq = create()
    await qq.security.msgSecCheck({ content: "x" })
    await qq.close()
    await qq.close()
    const error = await failure(qq.security.msgSecCheck({ content: "x" }))
    assert.strictEqual(error.reason._tag, "ClientClosed")
    assert.strictEqual(error.endpoint, "security.msgSecCheck")
    await create().close()
  })

  it("D2: close lets what is on its way come to its end", async () => {
    const { openid } = await sandbox.run((platform) => platform.login({ user: "closing" }))
    await sandbox.run((platform) => platform.subscribe({ openid }))
    const qq = create()
    await qq.auth.getAccessToken()
    await sandbox.run((platform) =>
      platform.fault({ kind: "slowHeaders", endpoint: "subscribeMessage.send", delay: "300 millis" })
    )
    const send = qq.subscribeMessage.send({ touser: openid, template_id, data: { keyword1: { value: "x" } } })
    await qq.close()
    assert.isUndefined(await send)
  })

  it("close ends a layer that is still being built", async () => {
    const qq = fromLayer(Layer.effect(QQMini, Effect.never))
    const call = failure(qq.security.msgSecCheck({ content: "x" }))
    await qq.close()
    assert.strictEqual((await call).reason._tag, "ClientClosed")
    assert.strictEqual((await failure(qq.security.msgSecCheck({ content: "x" }))).reason._tag, "ClientClosed")
  })

  it("an error leads to the line of the app, and prints as its message", async () => {
    await using qq = create()
    const error = await failure(qq.auth.code2Session({ code: "no such" }))
    assert.include(error.stack, "promise.test.ts")
    assert.notMatch(error.stack ?? "", /\beffect\/(src|dist)\//)
    assert.match(inspect(error), /^QQError: auth\.code2Session.*\n登录 code/)
    const json = JSON.parse(JSON.stringify(error))
    assert.deepInclude(json, { _tag: "QQError", endpoint: "auth.code2Session", isRetryable: false })
    assert.deepInclude(json.reason, { _tag: "InvalidCode", code: 40029 })
    assert.include(json.help.zh, "登录")
    assert.include(json.message, "InvalidCode")
  })

  it("refuses a program that is none, and never runs for another instead", async () => {
    await using qq = create()
    await sandbox.run((platform) => platform.clearLog)
    for (const app of [
      1198765432,
      null,
      undefined,
      "",
      {},
      { appsecret: "x" },
      { appid: second.appid, appsecret: "" }
    ]) {
      const error = await failure(qq.app(app as never).security.msgSecCheck({ content: "x" }))
      assert.strictEqual(error.reason._tag, "InvalidInput", JSON.stringify(app))
    }
    const nothing = await qq.security.msgSecCheck({ content: "x" }, null as never)
    assert.deepStrictEqual(nothing, { risky: false })
    assert.strictEqual(await sandbox.run((platform) => platform.count("security.msgSecCheck")), 1)
  })

  it("reads the environment", async () => {
    vi.stubEnv("QQ_APPID", first.appid)
    vi.stubEnv("QQ_APPSECRET", String(first.appsecret))
    vi.stubEnv("QQ_BASE_URL", sandbox.url)
    // the main program may stand in the list too, and an empty variable is not set
    vi.stubEnv("QQ_APPS", JSON.stringify([second, first]))
    vi.stubEnv("QQ_APPS_FILE", "")
    await using qq = createQQMini()
    assert.deepStrictEqual(await qq.security.msgSecCheck({ content: "x" }), { risky: false })
    assert.strictEqual((await qq.app(second.appid).auth.getAccessToken()).length, 64)
  })

  it("reads programs from a file; the first is the default", async () => {
    const file = join(await mkdtemp(join(tmpdir(), "qq-mini-")), "apps.json")
    // with the mark that editors on Windows put in front
    await writeFile(file, `\uFEFF${JSON.stringify([second, first])}`)
    vi.stubEnv("QQ_APPS_FILE", file)
    vi.stubEnv("QQ_BASE_URL", sandbox.url)
    await using qq = createQQMini()
    await sandbox.run((platform) => platform.clearLog)
    await qq.security.msgSecCheck({ content: "x" })
    const log = await sandbox.run((platform) => platform.log)
    assert.strictEqual(log.at(-1)?.appid, second.appid)
  })

  it("names the setting that is wrong, and never its value", async () => {
    const secret = "aSecretNobodySees"
    const wrong: ReadonlyArray<readonly [Parameters<typeof createQQMini>[0], RegExp]> = [
      [{ appid: first.appid }, /appsecret: is missing; it is required together with appid/],
      [{ appsecret: secret }, /appid: is missing; it is required together with appsecret/],
      [{ apps: [] }, /appid: is missing/],
      [{ appid: "", appsecret: secret }, /appid.*: must be the program's id/],
      [{ appid: first.appid, appsecret: " " }, /appsecret.*: must be the program's AppSecret/],
      [{ apps: [second, { appid: second.appid, appsecret: secret }] }, /occurs twice/],
      [{ apps: [second], baseUrl: "api.q.qq.com" }, /baseUrl.*: must be an address/],
      [{ apps: [second], deadline: -1 }, /deadline: must be/],
      [{ apps: [second], attempts: 1.5 }, /attempts: must be/],
      [{ apps: [second], baseUrl: "http://h/?a=b" }, /baseUrl.*: must be an address without a query/],
      [{ apps: [second], baseUrl: "http://h?" }, /baseUrl.*: must be an address without a query/],
      [{ apps: [second], baseUrl: "http://h#" }, /baseUrl.*: must be an address without a query/],
      [{ deadline: -1 }, /deadline: must be/]
    ]
    for (const [options, expected] of wrong) {
      let thrown: unknown
      try {
        createQQMini(options)
      } catch (error) {
        thrown = error
      }
      assert.isTrue(isQQError(thrown), String(expected))
      assert.match((thrown as QQError).message, expected)
      assert.match((thrown as QQError).help.zh, /[一-鿿]/)
      assert.notInclude((thrown as QQError).message, secret)
    }
    const environments: ReadonlyArray<readonly [Record<string, string>, RegExp]> = [
      [{}, /QQ_APPID: is not set/],
      [{ QQ_APPID: first.appid }, /QQ_APPSECRET: is missing/],
      [{ QQ_APPSECRET: secret }, /QQ_APPID: is missing/],
      [{ QQ_APPS: `{"${secret}` }, /QQ_APPS: must be a JSON list/],
      [{ QQ_APPS: `[{"appid":"1","appsecret":7,"x":"${secret}"}]` }, /QQ_APPS: must be a JSON list/],
      [{ QQ_APPS: "[]" }, /QQ_APPID: is not set: .*QQ_APPS/],
      [{ QQ_APPS: `[{"appid":"","appsecret":"${secret}"}]` }, /QQ_APPS\[0\]\.appid: must be/],
      [{ QQ_APPS: JSON.stringify([second, second]) }, /QQ_APPS\[1\]\.appid: .* occurs twice/],
      [{ QQ_APPID: "a b", QQ_APPSECRET: secret }, /QQ_APPID: must be/],
      [{ QQ_APPS_FILE: "/no/such/file" }, /QQ_APPS_FILE: the file can't be read \(ENOENT\)/]
    ]
    for (const [variables, expected] of environments) {
      vi.unstubAllEnvs()
      for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value)
      await using qq = createQQMini()
      const error = await failure(qq.security.msgSecCheck({ content: "x" }))
      assert.match(error.message, expected)
      assert.strictEqual(error.reason._tag, "InvalidConfig")
      assert.notInclude(error.message, secret)
    }
  })
})
