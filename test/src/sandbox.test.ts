/** The platform behaves as the facts about QQ say, on its own clock. */
import { assert, describe, it } from "@effect/vitest"
import * as Acode from "@qq-mini/core/Acode"
import * as Auth from "@qq-mini/core/Auth"
import type { QQError } from "@qq-mini/core/QQError"
import * as Quota from "@qq-mini/core/Quota"
import * as Security from "@qq-mini/core/Security"
import * as SubscribeMessage from "@qq-mini/core/SubscribeMessage"
import * as Sandbox from "@qq-mini/sandbox/Sandbox"
import * as SandboxServer from "@qq-mini/sandbox/SandboxServer"
import * as Effect from "effect/Effect"
import * as HttpBody from "effect/http/HttpBody"
import * as HttpClient from "effect/http/HttpClient"
import { TestClock } from "effect/testing"
import { first, image, png, risky, second, template_id } from "./support/calls.ts"

const tag = <A, R>(effect: Effect.Effect<A, QQError, R>) =>
  Effect.match(effect, { onSuccess: () => "done" as string, onFailure: (error) => error.reason._tag as string })

const get = (path: string) =>
  Effect.flatMap(HttpClient.get(`http://sandbox${path}`), (response) => Effect.orDie(response.json)) as Effect.Effect<
    any,
    any,
    HttpClient.HttpClient
  >

const messageTo = (touser: string, template = template_id) =>
  SubscribeMessage.send({ touser, template_id: template, data: { keyword1: { value: "x" } } })
const checkWith = (access_token: string) => tag(Security.msgSecCheck({ content: "x", access_token }))

describe("the sandbox", () => {
  it.effect("answers getToken as captured: a token, 7200 seconds, and errcode 0", () =>
    Effect.gen(function* () {
      const ask = `grant_type=client_credential&appid=${first.appid}&secret=`
      const answer = yield* get(`/api/getToken?${ask}${String(first.appsecret)}`)
      assert.deepStrictEqual(Object.keys(answer).toSorted(), ["access_token", "errcode", "expires_in"])
      assert.strictEqual(answer.expires_in, 7_200)
      assert.deepStrictEqual(yield* get(`/api/getToken?${ask}wrong`), {
        errcode: 40001,
        errmsg: "invalid appsecret"
      })
      assert.strictEqual((yield* get(`/api/getToken?grant_type=client_credential&appid=42&secret=x`)).errcode, 40013)
      assert.strictEqual((yield* get(`/api/getToken?appid=42&secret=x`)).errcode, 40002)
    }).pipe(Effect.provide(Sandbox.layer))
  )

  it.effect("ends a token after 2 hours, and the old one 5 minutes after a new one was fetched", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.Sandbox
      const old = yield* sandbox.stealToken()
      const fresh = yield* sandbox.stealToken()
      yield* TestClock.adjust("299 seconds")
      assert.strictEqual(yield* checkWith(old), "done")
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* checkWith(old), "InvalidToken")
      assert.strictEqual(yield* checkWith(fresh), "done")
      yield* TestClock.adjust("6899 seconds")
      assert.strictEqual(yield* checkWith(fresh), "done")
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* checkWith(fresh), "InvalidToken")
    }).pipe(Effect.provide(Sandbox.layer))
  )

  it.effect("takes a login code once, within 5 minutes, and 100 a minute from one user", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.Sandbox
      const login = (code: string) => tag(Auth.code2Session({ code }))
      const { code, openid } = yield* sandbox.login()
      assert.match(openid, /^[0-9A-F]{32}$/)
      assert.strictEqual(yield* login(code), "done")
      assert.strictEqual(yield* login(code), "InvalidCode")
      const late = yield* sandbox.login()
      assert.strictEqual(late.openid, openid)
      yield* TestClock.adjust("5 minutes")
      assert.strictEqual(yield* login(late.code), "InvalidCode")
      for (let i = 0; i < 100; i++) assert.strictEqual(yield* login((yield* sandbox.login()).code), "done")
      assert.strictEqual(yield* login((yield* sandbox.login()).code), "TooFrequent")
      assert.strictEqual(yield* login((yield* sandbox.login({ user: "another" })).code), "done")
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(yield* login((yield* sandbox.login()).code), "done")
      // a code of one program is none of another's
      const { code: others } = yield* sandbox.login({ appid: second.appid })
      assert.strictEqual(yield* login(others), "InvalidCode")
    }).pipe(Effect.provide(Sandbox.layer))
  )

  it.effect("uses a subscription up, sends one message a day in China, and knows who refused", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.Sandbox
      // 20:00 in China
      yield* TestClock.setTime(Date.UTC(2026, 10, 22, 12))
      const { openid } = yield* sandbox.login()
      assert.strictEqual(yield* tag(messageTo(openid)), "NotSubscribed")
      yield* sandbox.subscribe({ openid, times: 2 })
      assert.strictEqual(yield* tag(messageTo(openid)), "done")
      assert.strictEqual(yield* tag(messageTo(openid)), "QuotaReached")
      yield* TestClock.adjust("4 hours")
      assert.strictEqual(yield* tag(messageTo(openid)), "done")
      yield* TestClock.adjust("1 day")
      assert.strictEqual(yield* tag(messageTo(openid)), "NotSubscribed")
      yield* sandbox.refuse({ openid })
      assert.strictEqual(yield* tag(messageTo(openid)), "UserRefused")
      assert.strictEqual(yield* tag(messageTo("nobody")), "InvalidInput")
      assert.strictEqual(yield* tag(messageTo(openid, "no such template")), "InvalidInput")
    }).pipe(Effect.provide(Sandbox.layer))
  )

  it.effect("knows a template's keywords and a program's accounts when they are named", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.Sandbox
      const { openid } = yield* sandbox.login()
      yield* sandbox.subscribe({ openid, template_id: "T", times: 3 })
      const send = (data: Record<string, { value: string }>, oac_appid?: string) =>
        tag(SubscribeMessage.send({ touser: openid, template_id: "T", data, oac_appid }))
      assert.strictEqual(yield* send({ keyword1: { value: "a" } }), "InvalidInput")
      const both = { keyword1: { value: "a" }, keyword2: { value: "b" } }
      assert.strictEqual(yield* send(both, "other"), "InvalidInput")
      assert.strictEqual(yield* send(both, "bound"), "done")
    }).pipe(
      Effect.provide(
        Sandbox.layerWith({
          programs: [{ ...first, templates: { T: ["keyword1", "keyword2"] }, officialAccounts: ["bound"] }]
        })
      )
    )
  )

  it.effect("gives 50 mini codes in a program's life, of published pages only", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* tag(Acode.getMiniCode({ path: "pages/none" })), "PageMissing")
      for (let i = 0; i < 50; i++) yield* Acode.getMiniCode({ path: `pages/index/index?n=${i}` })
      assert.strictEqual(yield* tag(Acode.getMiniCode()), "MiniCodesUsedUp")
      yield* TestClock.adjust("365 days")
      assert.strictEqual(yield* tag(Acode.getMiniCode()), "MiniCodesUsedUp")
      assert.strictEqual(yield* tag(Acode.getMiniCode({ appid: second.appid })), "done")
    }).pipe(Effect.provide(Sandbox.layer))
  )

  it.effect("keeps QQ's quotas in rolling windows, by program", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.Sandbox
      const token = yield* sandbox.stealToken()
      // past the client's own limiter
      const raw = Effect.flatMap(
        HttpClient.post(`http://sandbox/api/json/security/MsgSecCheck?access_token=${token}`, {
          body: HttpBody.jsonUnsafe({ appid: first.appid, content: "x" })
        }),
        (response) => response.json
      ) as Effect.Effect<any, unknown, HttpClient.HttpClient>
      for (let i = 0; i < 3; i++) assert.strictEqual((yield* raw).errCode, 0)
      assert.strictEqual((yield* raw).errCode, 45009)
      yield* TestClock.adjust("59999 millis")
      assert.strictEqual((yield* raw).errCode, 45009)
      yield* TestClock.adjust("1 millis")
      assert.strictEqual((yield* raw).errCode, 0)
    }).pipe(Effect.provide(Sandbox.layerWith({ quota: { "security.msgSecCheck": [Quota.perMinute(3)] } })))
  )

  it.effect("looks into images: type, bytes and pixels", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.Sandbox
      const token = yield* sandbox.stealToken()
      const upload = (bytes: Uint8Array) =>
        Effect.gen(function* () {
          const form = new FormData()
          form.set("appid", first.appid)
          form.set("media", new File([bytes as Uint8Array<ArrayBuffer>], "a.png", { type: "image/png" }))
          const body = new Response(form)
          const bytesOf = new Uint8Array(yield* Effect.promise(() => body.arrayBuffer()))
          const response = yield* HttpClient.post(
            `http://sandbox/api/json/security/ImgSecCheck?access_token=${token}`,
            { body: HttpBody.uint8Array(bytesOf, body.headers.get("content-type")!) }
          )
          return ((yield* response.json) as { errCode: number }).errCode
        })
      assert.strictEqual(yield* upload(image), 0)
      assert.strictEqual(yield* upload(png(750, 1334)), 0)
      assert.strictEqual(yield* upload(png(1334, 750)), 0)
      assert.strictEqual(yield* upload(png(751, 1334)), 40035)
      assert.strictEqual(yield* upload(new TextEncoder().encode("no image")), 40035)
      assert.strictEqual(yield* upload(new Uint8Array(1024 * 1024 + 1)), 40006)
      yield* sandbox.markRisky(image)
      assert.strictEqual(yield* upload(image), 87014)
    }).pipe(Effect.provide(Sandbox.layer))
  )

  it.effect("its faults strike once, a share, or for a time", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.Sandbox
      const check = tag(Security.msgSecCheck({ content: "x" }, { attempts: 1 }))
      yield* check
      yield* sandbox.fault({ kind: "empty", endpoint: "security.msgSecCheck" })
      assert.deepStrictEqual([yield* check, yield* check], ["UnreadableAnswer", "done"])
      yield* sandbox.fault({ kind: "html502", endpoint: "security.msgSecCheck", during: "10 seconds" })
      assert.deepStrictEqual([yield* check, yield* check], ["UnreadableAnswer", "UnreadableAnswer"])
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(yield* check, "done")
      yield* sandbox.fault({ kind: "code", code: 40036, endpoint: "security.msgSecCheck", share: 0.5 })
      const struck = (yield* Effect.all(Array.from({ length: 400 }, () => check))).filter((t) => t === "Rejected")
      assert.isTrue(struck.length > 120 && struck.length < 280, String(struck.length))
      yield* sandbox.heal
      assert.strictEqual(yield* check, "done")
      yield* sandbox.fault({ kind: "code", code: 40036, endpoint: "auth.code2Session" })
      assert.strictEqual(yield* check, "done")
    }).pipe(Effect.provide(Sandbox.layer))
  )

  it.effect("its switches change what a user's subscription answers", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.Sandbox
      const { openid } = yield* sandbox.login()
      const error = yield* Effect.flip(messageTo(openid))
      assert.deepInclude(error.reason, { _tag: "NotSubscribed", code: 43101 })
      yield* sandbox.subscribe({ openid, times: 3 })
      assert.deepStrictEqual([yield* tag(messageTo(openid)), yield* tag(messageTo(openid))], ["done", "TooFrequent"])
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(yield* tag(messageTo(openid)), "QuotaReached")
      yield* TestClock.adjust("1 day")
      assert.strictEqual(yield* tag(messageTo(openid)), "done")
    }).pipe(
      Effect.provide(
        Sandbox.layerWith({ switches: { notSubscribedCode: 43101, sameUserSeconds: 10, messageDay: "rolling" } })
      )
    )
  )

  it.effect("its switches change what QQ does not document", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.Sandbox
      const { code } = yield* sandbox.login()
      assert.deepStrictEqual(Object.keys(yield* Auth.code2Session({ code })), ["openid"])
      const old = yield* sandbox.stealToken()
      yield* sandbox.stealToken()
      assert.strictEqual(yield* checkWith(old), "InvalidToken")
      const answer = yield* get(
        `/api/getToken?grant_type=client_credential&appid=${first.appid}&secret=${String(first.appsecret)}`
      )
      assert.deepStrictEqual(Object.keys(answer).toSorted(), ["access_token", "expires_in"])
      assert.strictEqual(yield* tag(Security.msgSecCheck({ content: risky })), "done")
    }).pipe(
      Effect.provide(
        Sandbox.layerWith({
          switches: { unionid: false, oldTokenGrace: 0, tokenErrcode: false, badTokenCode: 42001, errorStatus: 400 }
        })
      )
    )
  )

  it.effect("answers a login as other clients saw it: its own codes for appid, secret and code", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.Sandbox
      const { code } = yield* sandbox.login()
      const login = (appid: string, secret: string, code: string) =>
        Effect.map(
          get(`/sns/jscode2session?appid=${appid}&secret=${secret}&js_code=${code}&grant_type=authorization_code`),
          (answer) => answer.errcode
        )
      assert.strictEqual(yield* login("42", "x", code), -101600007)
      assert.strictEqual(yield* login(first.appid, "wrong", code), -101222100)
      assert.strictEqual(yield* login(first.appid, String(first.appsecret), "wrong"), 40029)
      assert.strictEqual(yield* login(first.appid, String(first.appsecret), code), 0)
      const mismatch = Security.msgSecCheck({
        content: "x",
        access_token: yield* sandbox.stealToken(),
        appid: second.appid
      })
      assert.strictEqual(yield* tag(mismatch), "InvalidAppId")
    }).pipe(Effect.provide(Sandbox.layer))
  )

  it.effect("stands whatever it is sent, and spends no mini code that it can't draw", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.Sandbox
      const { openid } = yield* sandbox.login()
      yield* sandbox.subscribe({ openid })
      for (const template of ["constructor", "toString", "__proto__"]) {
        assert.strictEqual(yield* tag(messageTo(openid, template)), "InvalidInput")
      }
      const long = Acode.getMiniCode({ path: `pages/index/index?x=${"x".repeat(3_000)}` })
      for (let i = 0; i < 60; i++) assert.strictEqual(yield* tag(long), "InvalidInput")
      assert.strictEqual(yield* tag(Acode.getMiniCode({ path: "pages/index/index?x=\ud800" })), "done")
    }).pipe(Effect.provide(Sandbox.layer))
  )

  it.effect("logs what was asked, without the code and the token", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.Sandbox
      const { code } = yield* sandbox.login()
      yield* Auth.code2Session({ code })
      yield* Security.msgSecCheck({ content: "你好" })
      assert.strictEqual((yield* HttpClient.get("http://sandbox/no/such/call")).status, 404)
      const log = yield* sandbox.log
      assert.deepStrictEqual(
        log.map(({ endpoint, params }) => [endpoint, params]),
        [
          ["auth.code2Session", { grant_type: "authorization_code" }],
          ["auth.getAccessToken", { grant_type: "client_credential" }],
          ["security.msgSecCheck", { content: "你好" }],
          ["/no/such/call", {}]
        ]
      )
      yield* sandbox.clearLog
      assert.deepStrictEqual(yield* sandbox.log, [])
    }).pipe(Effect.provide(Sandbox.layer))
  )

  it("runs as a server for any client", async () => {
    await using sandbox = await SandboxServer.start()
    assert.match(sandbox.url, /^http:\/\/127\.0\.0\.1:\d+$/)
    const token = await sandbox.run((platform) => platform.stealToken())
    const url = `${sandbox.url}/api/json/security/MsgSecCheck?access_token=${token}`
    const asJson = await fetch(url, { method: "POST", body: JSON.stringify({ appid: first.appid, content: risky }) })
    assert.deepStrictEqual(await asJson.json(), { errCode: 87014, errMsg: "risky content" })
    // other clients send forms to the checks
    const asForm = await fetch(url, { method: "POST", body: new URLSearchParams({ appid: first.appid, content: "x" }) })
    assert.deepStrictEqual(await asForm.json(), { errCode: 0, errMsg: "ok" })
    const odd = await fetch(url, { method: "POST", body: "{" })
    assert.deepStrictEqual(await odd.json(), { errCode: 40035, errMsg: "invalid parameter" })
    const form = new FormData()
    form.set("appid", first.appid)
    const code = `${sandbox.url}/api/json/qqa/CreateMiniCode?access_token=${token}`
    assert.strictEqual((await (await fetch(code, { method: "POST", body: form })).json()).errcode, 40035)
    const huge = { appid: first.appid, content: "x".repeat(400_000) }
    for (let i = 0; i < 5; i++) await fetch(url, { method: "POST", body: JSON.stringify(huge) })
    assert.isBelow(JSON.stringify(await sandbox.run((platform) => platform.log)).length, 20_000)
    const flood = fetch(url, { method: "POST", body: "x".repeat(8 * 1024 * 1024) })
    assert.notStrictEqual(
      await flood
        .then((answer) => answer.json())
        .then(
          (json) => json.errCode,
          () => -1
        ),
      0
    )
    await sandbox.run((platform) => platform.fault({ kind: "resetBefore" }))
    const reset = await fetch(url, { method: "POST", body: "{}" }).catch((error: unknown) => error)
    assert.instanceOf(reset, Error)
  })
})
