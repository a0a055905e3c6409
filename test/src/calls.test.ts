/** The tour of the API: every parameter of the calls, in this process and over HTTP. */
import { assert, describe, it, layer } from "@effect/vitest"
import * as Acode from "@qq-mini/core/Acode"
import * as App from "@qq-mini/core/App"
import * as Auth from "@qq-mini/core/Auth"
import { fromCode } from "@qq-mini/core/Code"
import type { QQError } from "@qq-mini/core/QQError"
import * as QQMiniModule from "@qq-mini/core/QQMini"
import * as Security from "@qq-mini/core/Security"
import * as SubscribeMessage from "@qq-mini/core/SubscribeMessage"
import * as NodeQQMini from "@qq-mini/node/NodeQQMini"
import * as TemplateMessage from "@qq-mini/core/TemplateMessage"
import * as Sandbox from "@qq-mini/sandbox/Sandbox"
import * as SandboxServer from "@qq-mini/sandbox/SandboxServer"
import * as Transport from "@qq-mini/core/Transport"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import jsQR from "jsqr"
import { PNG } from "pngjs"
import { first, image, png, risky, second, template_id } from "./support/calls.ts"

const overHttp = Layer.unwrap(
  Effect.map(SandboxServer.SandboxServer, ({ url }) => NodeQQMini.layer({ apps: [first, second], baseUrl: url }))
).pipe(Layer.provideMerge(SandboxServer.layer()))

const transports: ReadonlyArray<readonly [string, Layer.Layer<QQMiniModule.QQMini | Sandbox.Sandbox, QQError>]> = [
  ["in this process", Sandbox.layer],
  ["over HTTP", overHttp]
]

// the package is CommonJS and says so only half
const readQR = jsQR as unknown as typeof jsQR.default

for (const [name, transport] of transports) {
  layer(transport)(`the calls ${name}`, (it) => {
    it.effect("auth.getAccessToken: the token in use, and a new one with cache: false", () =>
      Effect.gen(function* () {
        const token = yield* Auth.getAccessToken()
        assert.match(Redacted.value(token), /^[0-9A-F]{64}$/)
        assert.strictEqual(Redacted.value(yield* Auth.getAccessToken({ cache: true })), Redacted.value(token))
        const fresh = yield* Auth.getAccessToken({ cache: false })
        assert.notStrictEqual(Redacted.value(fresh), Redacted.value(token))
        assert.strictEqual(Redacted.value(yield* Auth.getAccessToken()), Redacted.value(fresh))
      })
    )

    it.effect("auth.code2Session: the key only when it is asked for", () =>
      Effect.gen(function* () {
        const sandbox = yield* Sandbox.Sandbox
        const { code, openid } = yield* sandbox.login()
        const session = yield* Auth.code2Session({ code })
        assert.deepStrictEqual(Object.keys(session).toSorted(), ["openid", "unionid"])
        assert.strictEqual(session.openid, openid)
        assert.match(session.unionid!, /^UID_/)
        const again = yield* sandbox.login()
        const { session_key } = yield* Auth.code2Session({ code: again.code, needKey: true })
        assert.strictEqual(atob(Redacted.value(session_key!)).length, 16)
        assert.notInclude(JSON.stringify(session_key), Redacted.value(session_key!))
      })
    )

    it.effect("acode.getMiniCode: an image that a reader reads, with its type, and as a data URL", () =>
      Effect.gen(function* () {
        const { bytes, dataUrl, mediaType } = yield* Acode.getMiniCode({ path: "pages/index/index?a=1&b=二" })
        assert.strictEqual(mediaType, "image/png")
        const picture = PNG.sync.read(Buffer.from(bytes))
        const read = readQR(new Uint8ClampedArray(picture.data), picture.width, picture.height)
        const url = new URL(read!.data)
        assert.strictEqual(url.pathname, `/a/p/${first.appid}`)
        assert.strictEqual(url.searchParams.get("s"), "pages/index/index?a=1&b=二")
        assert.strictEqual(dataUrl, `data:image/png;base64,${Buffer.from(bytes).toString("base64")}`)
        const plain = yield* Acode.getMiniCode()
        assert.isAbove(plain.bytes.length, 100)
      })
    )

    it.effect("security.msgSecCheck: the documented samples are risky, a poem is not", () =>
      Effect.gen(function* () {
        for (const content of Sandbox.riskySamples) {
          assert.deepStrictEqual(yield* Security.msgSecCheck({ content }), { risky: true })
        }
        const poem = "床前明月光 & <b>疑是地上霜</b> 🌙"
        assert.deepStrictEqual(yield* Security.msgSecCheck({ content: poem }), { risky: false })
        assert.deepStrictEqual(yield* Security.msgSecCheck({ content: "x".repeat(500 * 1024) }), { risky: false })
      })
    )

    it.effect("security.imgSecCheck: bytes, base64 and data URL; the type told from the bytes", () =>
      Effect.gen(function* () {
        const sandbox = yield* Sandbox.Sandbox
        const base64 = Buffer.from(image).toString("base64")
        for (const media of [image, Buffer.from(image), base64, `data:image/jpeg;base64,${base64}`]) {
          assert.deepStrictEqual(yield* Security.imgSecCheck({ media }), { risky: false })
        }
        const bad = png(9, 9)
        yield* sandbox.markRisky(bad)
        assert.deepStrictEqual(yield* Security.imgSecCheck({ media: bad }), { risky: true })
        const sent = (yield* sandbox.log).findLast((entry) => entry.endpoint === "security.imgSecCheck")
        assert.deepInclude(sent?.params["media"], { mediaType: "image/png" })
      })
    )

    it.effect("subscribeMessage.send: every parameter arrives by its wire name", () =>
      Effect.gen(function* () {
        const sandbox = yield* Sandbox.Sandbox
        const { openid } = yield* sandbox.login({ user: `message ${name}` })
        yield* sandbox.subscribe({ openid, times: 2 })
        const message = {
          touser: openid,
          template_id,
          page: "pages/index/index?from=message",
          data: { keyword1: { value: "值" }, keyword2: { value: 42 } },
          emphasis_keyword: "keyword1.DATA",
          use_robot: true
        }
        assert.isUndefined(yield* SubscribeMessage.send(message))
        const entry = (yield* sandbox.log).findLast((one) => one.endpoint === "subscribeMessage.send")
        assert.deepStrictEqual(entry?.params, {
          ...message,
          data: { keyword1: { value: "值" }, keyword2: { value: "42" } }
        })
        const error = yield* Effect.flip(SubscribeMessage.send({ ...message, oac_appid: "not bound" }))
        assert.strictEqual(error.reason._tag, "InvalidInput")
        assert.include(error.message, "oac_appid")
      })
    )

    it.effect("templateMessage.send: every parameter arrives by its wire name, and a form_id allows one message", () =>
      Effect.gen(function* () {
        const sandbox = yield* Sandbox.Sandbox
        const { openid } = yield* sandbox.login({ user: `template ${name}` })
        const other = yield* sandbox.login({ user: `another ${name}` })
        const message = {
          touser: openid,
          template_id,
          page: "pages/index/index?from=message",
          form_id: yield* sandbox.submitForm({ openid }),
          data: { keyword1: { value: "值" }, keyword2: { value: 42 } },
          emphasis_keyword: "keyword1.DATA"
        }
        const reasonOf = (changed: Partial<typeof message>) =>
          Effect.map(Effect.flip(TemplateMessage.send({ ...message, ...changed })), ({ reason }) => reason)
        assert.isUndefined(yield* TemplateMessage.send(message))
        const entry = (yield* sandbox.log).findLast((one) => one.endpoint === "templateMessage.send")
        assert.deepStrictEqual(entry?.params, {
          ...message,
          data: { keyword1: { value: "值" }, keyword2: { value: "42" } }
        })
        assert.deepInclude(yield* reasonOf({}), { _tag: "InvalidInput", field: "form_id", code: 41029 })
        const foreign = yield* reasonOf({ form_id: yield* sandbox.submitForm(other) })
        assert.deepInclude(foreign, { _tag: "InvalidInput", field: "form_id", code: 41028 })
        assert.deepInclude(yield* reasonOf({ template_id: "none" }), { _tag: "InvalidInput", field: "template_id" })
        assert.strictEqual((yield* reasonOf({ page: "pages/none" }))._tag, "PageMissing")
        assert.deepInclude(yield* reasonOf({ form_id: "" }), { _tag: "InvalidInput", field: "form_id" })
      })
    )

    it.effect("every call goes for another program: by appid, by App.use, with or without its secret", () =>
      Effect.gen(function* () {
        const sandbox = yield* Sandbox.Sandbox
        const { appid, appsecret } = second
        const { code } = yield* sandbox.login({ appid })
        const ran = (endpoint: string) =>
          Effect.map(sandbox.log, (log) => log.findLast((entry) => entry.endpoint === endpoint)?.appid)
        yield* Auth.code2Session({ code, appid })
        assert.strictEqual(yield* ran("auth.code2Session"), appid)
        yield* Security.msgSecCheck({ content: "x" }).pipe(App.use(appid))
        assert.strictEqual(yield* ran("security.msgSecCheck"), appid)
        yield* Security.msgSecCheck({ content: "x", appid: first.appid }).pipe(App.use(appid))
        assert.strictEqual(yield* ran("security.msgSecCheck"), first.appid)
        yield* Security.imgSecCheck({ media: image, appid, appsecret })
        assert.strictEqual(yield* ran("security.imgSecCheck"), appid)
        const wrong = Security.imgSecCheck({ media: image, appid, appsecret: "not this one's" })
        assert.strictEqual((yield* Effect.flip(wrong)).reason._tag, "WrongSecret")
        yield* Acode.getMiniCode().pipe(App.use({ appid, appsecret: Redacted.make(String(appsecret)) }))
        assert.strictEqual(yield* ran("acode.getMiniCode"), appid)
        const own = Redacted.value(yield* Auth.getAccessToken())
        const other = Redacted.value(yield* Auth.getAccessToken({ appid }))
        assert.notStrictEqual(own, other)
        yield* Security.msgSecCheck({ content: "x", access_token: other, appid })
        assert.strictEqual(yield* ran("security.msgSecCheck"), appid)
      })
    )

    it.effect("an unknown appid without a secret says where it was looked for", () =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(Security.msgSecCheck({ content: "x", appid: "42" }))
        assert.strictEqual(error.reason._tag, "UnknownApp")
        for (const part of ["42", first.appid, second.appid]) assert.include(error.message, part)
      })
    )

    it.effect("auth.getAccessToken gives a caller's own token back, and fetches none", () =>
      Effect.gen(function* () {
        const sandbox = yield* Sandbox.Sandbox
        const before = yield* sandbox.count("auth.getAccessToken")
        const own = yield* Auth.getAccessToken({ access_token: "MINE", cache: false })
        assert.strictEqual(Redacted.value(own), "MINE")
        assert.strictEqual(yield* sandbox.count("auth.getAccessToken"), before)
      })
    )

    it.effect("a caller's own token is used as it is, and not renewed", () =>
      Effect.gen(function* () {
        const sandbox = yield* Sandbox.Sandbox
        const mine = yield* sandbox.stealToken()
        const before = yield* sandbox.count("auth.getAccessToken")
        assert.deepStrictEqual(yield* Security.msgSecCheck({ content: risky, access_token: mine }), { risky: true })
        const error = yield* Effect.flip(Security.msgSecCheck({ content: "x", access_token: "DEAD" }))
        assert.strictEqual(error.reason._tag, "InvalidToken")
        assert.strictEqual(yield* sandbox.count("auth.getAccessToken"), before)
      })
    )
  })
}

describe("the programs", () => {
  const ran = Effect.gen(function* () {
    yield* Security.msgSecCheck({ content: "x" })
    return (yield* (yield* Sandbox.Sandbox).log).at(-1)?.appid
  })
  const registry = (options: App.AppsOptions) =>
    QQMiniModule.layer.pipe(
      Layer.provide(Layer.merge(App.layerMany(options), Sandbox.layerTransport)),
      Layer.provideMerge(Sandbox.layerPlatform())
    )

  it.effect("the first is the default, or the one that is named", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* Effect.provide(ran, registry({ apps: [first, second] })), first.appid)
      assert.strictEqual(
        yield* Effect.provide(ran, registry({ apps: [first, second], default: second.appid })),
        second.appid
      )
      const none = yield* Effect.flip(Effect.provide(ran, registry({ apps: [first], default: "42" })))
      assert.strictEqual(none.reason._tag, "InvalidConfig")
    })
  )

  it.effect("nothing goes to QQ but the call: no trace headers, and of a message no appid", () =>
    Effect.gen(function* () {
      const headers = new Set<string>()
      const bodies: Array<unknown> = []
      const watched = Layer.effect(
        HttpClient.HttpClient,
        Effect.map(HttpClient.HttpClient, (inner) =>
          HttpClient.make((request) => {
            for (const name of Object.keys(request.headers)) headers.add(name)
            if (request.body._tag === "Uint8Array") bodies.push(JSON.parse(new TextDecoder().decode(request.body.body)))
            return inner.execute(request)
          })
        )
      )
      const message = { touser: "X", template_id, data: { keyword1: { value: "x" } } }
      yield* Security.msgSecCheck({ content: "x" }).pipe(
        Effect.andThen(Effect.flip(SubscribeMessage.send(message))),
        Effect.withSpan("outside"),
        Effect.provide(
          QQMiniModule.layer.pipe(
            Layer.provide(Transport.layerHttpClient),
            Layer.provide(watched),
            Layer.provide(Layer.merge(App.layerMany({ apps: [first] }), Sandbox.layerHttpClient)),
            Layer.provide(Sandbox.layerPlatform())
          )
        )
      )
      assert.deepStrictEqual([...headers].toSorted(), ["content-length", "content-type"])
      assert.deepStrictEqual(bodies, [{ appid: first.appid, content: "x" }, message])
    })
  )

  it.effect("a stub is asked only what QQ would be, and errors know the program", () =>
    Effect.gen(function* () {
      let asked = 0
      const stub = QQMiniModule.layerStub({
        "security.msgSecCheck": ({ content }) => {
          asked += content.length
          return Effect.fail(fromCode(undefined, -1, "busy"))
        }
      })
      const error = yield* Effect.flip(
        Security.msgSecCheck({} as { content: string }).pipe(App.use(second.appid), Effect.provide(stub))
      )
      assert.strictEqual(error.reason._tag, "InvalidInput")
      assert.strictEqual(error.app, second.appid)
      assert.strictEqual(asked, 0)
      const busy = yield* Effect.flip(Effect.provide(Security.msgSecCheck({ content: "x" }), stub))
      assert.strictEqual(busy.reason._tag, "SystemBusy")
      assert.strictEqual(asked, 1)
    })
  )
})
