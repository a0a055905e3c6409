/** C1 and C2 as tables: what a check takes for a yes, and what is an image. I1: what is refused before it is sent. */
import { assert, describe, it, layer } from "@effect/vitest"
import * as Acode from "@qq-mini/core/Acode"
import * as App from "@qq-mini/core/App"
import * as Auth from "@qq-mini/core/Auth"
import type { QQError } from "@qq-mini/core/QQError"
import * as QQMini from "@qq-mini/core/QQMini"
import * as Security from "@qq-mini/core/Security"
import * as SubscribeMessage from "@qq-mini/core/SubscribeMessage"
import * as Sandbox from "@qq-mini/sandbox/Sandbox"
import * as Transport from "@qq-mini/core/Transport"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Layer from "effect/Layer"
import { forgetful, image, png, template_id } from "./support/calls.ts"

const token = '{"access_token":"TOKEN","expires_in":7200}'

/** A client whose every call but getToken is answered like this, whatever the status and type. */
const answering = (body: string | Uint8Array, status = 200, type = "application/json", more: HeadersInit = {}) =>
  QQMini.layerStores.pipe(
    Layer.provide(forgetful),
    Layer.provide(Transport.layerHttpClient),
    Layer.provide(
      Layer.succeed(
        HttpClient.HttpClient,
        HttpClient.make((request, url) =>
          Effect.succeed(
            HttpClientResponse.fromWeb(
              request,
              url.pathname === "/api/getToken"
                ? new Response(token)
                : new Response(body as string, { status, headers: { "content-type": type, ...more } })
            )
          )
        )
      )
    ),
    Layer.provide(App.layer({ appid: "1112345678", appsecret: "S" }))
  )

const tag = <A, R>(effect: Effect.Effect<A, QQError, R>) =>
  Effect.match(effect, { onSuccess: (value): unknown => value, onFailure: (error) => error.reason._tag })

const once = { attempts: 1 }

describe("what counts as a yes", () => {
  const unreadable = "UnreadableAnswer"
  const rows: ReadonlyArray<readonly [string, unknown]> = [
    ['{"errCode":0,"errMsg":"ok"}', { risky: false }],
    ['{"errCode":0}', { risky: false }],
    ['{"errCode":0,"errMsg":"ok","more":[1]}', { risky: false }],
    ['{"errCode":87014,"errMsg":"risky content"}', { risky: true }],
    ['{"errcode":87014,"errmsg":"risky content"}', { risky: true }],
    ['{"code":87014}', { risky: true }],
    ['{"errCode":0,"errcode":87014}', { risky: true }],
    // what says two things says nothing
    ['{"errCode":87014,"errCode":0}', unreadable],
    ['{"errCode":0,"errcode":0}', unreadable],
    ['{"errCode":0,"data":{"errcode":87014}}', unreadable],
    ['{"errCode":0,"code":"FAIL"}', unreadable],
    ['{"\\u0065rrCode":87014,"errCode":0}', unreadable],
    ['{"errCode":0,"data":{"\\u0063ode":87014}}', unreadable],
    ['{"errCode":0,"errMsg":"\\u597d \\"code\\": 1"}', { risky: false }],
    // as long as answers may be, and nothing but escapes: looked through once, not once for each
    [`{"errCode":0,"errMsg":"${"\\u597d".repeat(170_000)}"}`, { risky: false }],
    ['{"errCode":0,"code":[-1]}', unreadable],
    ['{"errCode":1e-400}', unreadable],
    ['{"errCode":-0}', unreadable],
    ['{"errCode":0.0}', unreadable],
    ["", unreadable],
    ["{}", unreadable],
    ["[]", unreadable],
    ["null", unreadable],
    ["0", unreadable],
    ['"ok"', unreadable],
    ["ok", unreadable],
    ['{"errMsg":"ok"}', unreadable],
    ['{"errCode":null}', unreadable],
    ['{"errCode":""}', unreadable],
    ['{"errCode":"0"}', unreadable],
    ['{"errCode":false}', unreadable],
    ['{"errCode":[0]}', unreadable],
    ['{"errCode":0.1}', unreadable],
    ['{"errCode":0', unreadable],
    // the other spellings are not QQ's yes at a check
    ['{"errcode":0,"errmsg":"ok"}', unreadable],
    ['{"code":0,"msg":"ok"}', unreadable],
    ['[{"errCode":0}]', unreadable],
    ['{"data":{"errCode":0}}', unreadable],
    ['{"__proto__":{"errCode":0}}', unreadable],
    ['<html>{"errCode":0}</html>', unreadable],
    ['{"errCode":0,"errcode":40001}', "InvalidToken"],
    ['{"errcode":"40001"}', "InvalidToken"],
    ['{"errCode":0,"code":-1}', "SystemBusy"],
    ['{"errCode":-1}', "SystemBusy"]
  ]
  it.live.each(rows)("C1: %.80s", ([body, expected]) =>
    Effect.gen(function* () {
      for (const check of [
        Security.msgSecCheck({ content: "x" }, once),
        Security.imgSecCheck({ media: image }, once)
      ]) {
        // status and type say nothing
        for (const [status, type] of [
          [200, "application/json"],
          [502, "text/html"]
        ] as const) {
          assert.deepStrictEqual(yield* tag(Effect.provide(check, answering(body, status, type))), expected)
        }
      }
    })
  )

  const gif = new Uint8Array([0x47, 0x49, 0x46, 0x38, 0x39, 0x61, 1, 0, 1, 0, 0, 0, 0, 0x3b])
  const jpeg = new Uint8Array([0xff, 0xd8, 0xff, 0xc0, 0, 11, 8, 0, 2, 0, 3, 1, 1, 17, 0, 0xff, 0xd9])
  it.live.each([
    ["a PNG called JSON", image, "application/json", "image/png"],
    ["a GIF of 14 bytes", gif, "text/html", "image/gif"],
    ["a JPEG of 17 bytes", jpeg, "", "image/jpeg"],
    ["half a PNG", image.slice(0, 40), "image/png", "OutcomeUnknown"],
    ["a GIF that ends too early", gif.slice(0, 13), "image/gif", "OutcomeUnknown"],
    ["a GIF with a semicolon before its end", new Uint8Array([...gif, 1]), "image/gif", "OutcomeUnknown"],
    ["a GIF in a block filled with zeros", new Uint8Array([...gif, 0, 0]), "image/gif", "image/gif"],
    ["an error called an image", '{"errcode":45029,"errmsg":"x"}', "image/png", "MiniCodesUsedUp"],
    ["a long error", JSON.stringify({ errcode: 41030, errmsg: "x".repeat(5_000) }), "image/png", "PageMissing"],
    ["a plain yes", '{"errcode":0,"errmsg":"ok"}', "application/json", "OutcomeUnknown"],
    ["nothing", "", "image/png", "OutcomeUnknown"]
  ] as const)("C2: a mini code answered by %s", ([, body, type, expected]) =>
    Effect.gen(function* () {
      const result = yield* tag(Effect.provide(Acode.getMiniCode(), answering(body, 200, type)))
      assert.strictEqual(result instanceof Acode.Image ? result.mediaType : result, expected)
    })
  )

  it.live.each([
    ['{"errcode":0,"errmsg":"ok"}', undefined],
    ['{"errcode":0}', undefined],
    ['{"errCode":0}', undefined],
    ['{"code":0}', "OutcomeUnknown"],
    ["{}", "OutcomeUnknown"],
    ['{"errcode":46003}', "UserRefused"],
    ['{"errcode":99999,"errmsg":"new"}', "Rejected"]
  ] as const)("D2: a message answered by %s", ([body, expected]) =>
    Effect.gen(function* () {
      const send = SubscribeMessage.send({ touser: "X", template_id: "T", data: { keyword1: { value: "" } } })
      assert.strictEqual(yield* tag(Effect.provide(send, answering(body))), expected)
    })
  )
})

describe("what stands around an answer", () => {
  it.live.each([
    ["7", 7_000],
    ["Wed, 01 Jan 2500 00:00:00 GMT", 1e12],
    ["soon", undefined]
  ] as const)("a Retry-After of %s is told to the caller", ([value, expected]) =>
    Effect.gen(function* () {
      const busy = answering("<html></html>", 503, "text/html", { "retry-after": value })
      const error = yield* Effect.flip(Effect.provide(Security.msgSecCheck({ content: "x" }, { attempts: 1 }), busy))
      if (expected === undefined || expected < 1e12) assert.strictEqual(error.retryAfter, expected)
      else assert.isAbove(error.retryAfter!, expected)
    })
  )

  it.live("I2: an HTTP layer that throws is a lost connection, and what it threw is seen by nobody", () =>
    Effect.gen(function* () {
      const throwing = QQMini.layer.pipe(
        Layer.provide(Transport.layerHttpClient),
        Layer.provide(
          Layer.succeed(
            HttpClient.HttpClient,
            HttpClient.make((_, url) => {
              throw new Error(`can't reach ${String(url)}`)
            })
          )
        ),
        Layer.provide(App.layer({ appid: "1112345678", appsecret: "theSecret" }))
      )
      const error = yield* Effect.flip(Effect.provide(Security.msgSecCheck({ content: "x" }), throwing))
      assert.strictEqual(error.reason._tag, "ConnectionFailed")
      assert.notInclude(error.message, "theSecret")
    })
  )
})

layer(Sandbox.layer)("what is refused before it is sent", (it) => {
  const big = png(800, 800)
  const message = { touser: "X", template_id, data: { keyword1: { value: "x" } } }
  const rows: ReadonlyArray<readonly [string, Effect.Effect<unknown, QQError, QQMini.QQMini>, RegExp]> = [
    ["a missing field", Security.msgSecCheck({} as any), /content: is required/],
    ["an empty text", Security.msgSecCheck({ content: "" }), /content: is empty/],
    ["a wrong type", Security.msgSecCheck({ content: 42 as any }), /content: must be a string/],
    ["a text too long", Security.msgSecCheck({ content: "安".repeat(180_000) }), /content: is 540,000 bytes.*512,000/],
    ["a typing error", Acode.getMiniCode({ pth: "x" } as any), /pth: is not a parameter/],
    ["a leading /", Acode.getMiniCode({ path: "/pages/index/index" }), /path: must not begin with \//],
    ["an address", Acode.getMiniCode({ path: "https://q.qq.com" }), /path: must be a page/],
    ["white space", Acode.getMiniCode({ path: "pages/a b" }), /path: has white space/],
    ["an empty code", Auth.code2Session({ code: "" }), /code: is empty/],
    ["no image", Security.imgSecCheck({ media: new Uint8Array(0) }), /media: is empty/],
    ["a text for an image", Security.imgSecCheck({ media: "aGVsbG8=" }), /media: is not a PNG, JPEG or GIF/],
    ["bad base64", Security.imgSecCheck({ media: "%%%" }), /media: must be bytes, base64/],
    ["an image too large", Security.imgSecCheck({ media: new Uint8Array(1024 * 1024 + 1) }), /1,048,577 bytes.*1 MB/],
    ["base64 too large", Security.imgSecCheck({ media: "A".repeat(3_000_000) }), /media: is .* bytes/],
    ["too many pixels", Security.imgSecCheck({ media: big }), /media: is 800 × 800 pixels.*750 × 1334/],
    ["null", Acode.getMiniCode({ path: null as any }), /path: must be a string/],
    [
      "undefined where there must be something",
      Security.msgSecCheck({ content: undefined as any }),
      /content: is required/
    ],
    ["another name for it", Security.msgSecCheck({ text: "x" } as any), /content: is required/],
    [
      "a number for an image",
      Security.imgSecCheck({ media: 5 as any }),
      /media: must be bytes, base64 or a base64 data URL/
    ],
    ["no keywords", SubscribeMessage.send({ ...message, data: {} }), /data: needs at least one keyword/],
    ["no value", SubscribeMessage.send({ ...message, data: { k: {} as any } }), /data\.k\.value: is required/],
    ["an odd number", SubscribeMessage.send({ ...message, data: { k: { value: NaN } } }), /data\.k\.value: /],
    ["no input", Security.msgSecCheck(null as any), /content: is required|input: must be/],
    ["an array", Security.msgSecCheck([] as any), /input: must be an object/],
    ["a secret alone", Auth.getAccessToken({ appsecret: "S" }), /appid: is missing beside appsecret/],
    [
      "a token without end",
      Security.msgSecCheck({ content: "x", access_token: "Ab3_".repeat(25_000) }),
      /access_token: must be a token/
    ],
    ["an empty token", Security.msgSecCheck({ content: "x", access_token: "" }), /access_token: must be a token/],
    [
      "an unknown option",
      Security.msgSecCheck({ content: "x" }, { timeout: 5 } as any),
      /options\.timeout: is not an option/
    ],
    [
      "a quota nobody knows",
      Security.msgSecCheck({ content: "x" }, { quota: "never" as any }),
      /options\.quota: must be/
    ],
    ["options that are none", Security.msgSecCheck({ content: "x" }, 5 as any), /options: must be an object/],
    ["App.use of a number", Security.msgSecCheck({ content: "x" }).pipe(App.use(1198765432 as any)), /appid: must be/],
    ["App.use of nothing", Security.msgSecCheck({ content: "x" }).pipe(App.use(null as any)), /appid: /],
    ["App.use of an empty appid", Security.msgSecCheck({ content: "x" }).pipe(App.use("")), /appid: must be/],
    [
      "App.use with an empty secret",
      Security.msgSecCheck({ content: "x" }).pipe(App.use({ appid: "1", appsecret: "" })),
      /appsecret: must be/
    ],
    ["an appid of another type", Security.msgSecCheck({ content: "x", appid: 42 as any }), /appid: must be/],
    ["no attempts", Security.msgSecCheck({ content: "x" }, { attempts: 0 }), /options\.attempts: must be/],
    ["no time", Security.msgSecCheck({ content: "x" }, { deadline: 0 }), /options\.deadline: must be/],
    ["an odd time", Security.msgSecCheck({ content: "x" }, { deadline: "soon" as any }), /options\.deadline: must be/]
  ]
  it.effect.each(rows)("I1: %s", ([, call, expected]) =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.Sandbox
      const error = yield* Effect.flip(call)
      assert.strictEqual(error.reason._tag, "InvalidInput")
      assert.match(error.message, expected)
      assert.match(error.help.zh, /^[\w.]+：[^a-z]*[一-鿿].*未发送任何请求。$/)
      assert.deepStrictEqual(yield* sandbox.log, [])
    })
  )
})
