/** I1: what can't succeed is not sent, and its error names the field, the limit and the size. */
import { assert, layer } from "@effect/vitest"
import * as Acode from "@qq-mini/core/Acode"
import * as App from "@qq-mini/core/App"
import * as Auth from "@qq-mini/core/Auth"
import type { QQError } from "@qq-mini/core/QQError"
import * as QQMini from "@qq-mini/core/QQMini"
import * as Security from "@qq-mini/core/Security"
import * as SubscribeMessage from "@qq-mini/core/SubscribeMessage"
import * as Sandbox from "@qq-mini/sandbox/Sandbox"
import * as Effect from "effect/Effect"
import { png, template_id } from "../support/calls.ts"

layer(Sandbox.layer)("what is refused before it is sent", (it) => {
  const big = png(800, 800)
  const message = { touser: "X", template_id, data: { keyword1: { value: "x" } } }
  const rows: ReadonlyArray<readonly [string, Effect.Effect<unknown, QQError, QQMini.QQMini>, RegExp]> = [
    ["a missing field", Security.msgSecCheck({} as any), /content: is required/],
    ["an empty text", Security.msgSecCheck({ content: "" }), /content: is empty/],
    ["a wrong type", Security.msgSecCheck({ content: 42 as any }), /content: must be a string, not a number/],
    ["a text too long", Security.msgSecCheck({ content: "安".repeat(180_000) }), /content: is 540,000 bytes.*512,000/],
    ["a typing error", Acode.getMiniCode({ pth: "x" } as any), /pth: is not a parameter of this call: write path/],
    ["the name in QQ's sample", Acode.getMiniCode({ page: "x" } as any), /page: is not a parameter.*: write path/],
    ["a leading /", Acode.getMiniCode({ path: "/pages/index/index" }), /path: must not begin with \//],
    ["an address", Acode.getMiniCode({ path: "https://q.qq.com" }), /path: must be a page/],
    ["white space", Acode.getMiniCode({ path: "pages/a b" }), /path: has white space/],
    ["an empty code", Auth.code2Session({ code: "" }), /code: is empty/],
    ["no image", Security.imgSecCheck({ media: new Uint8Array(0) }), /media: is empty/],
    ["a text for an image", Security.imgSecCheck({ media: "aGVsbG8=" }), /media: is not a PNG, JPEG or GIF/],
    ["bad base64", Security.imgSecCheck({ media: "%%%" }), /media: must be bytes, a Blob/],
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
      /media: must be bytes, a Blob or File, a stream of bytes, base64 or/
    ],
    ["no keywords", SubscribeMessage.send({ ...message, data: {} }), /data: needs at least one keyword/],
    ["no value", SubscribeMessage.send({ ...message, data: { k: {} as any } }), /data\.k\.value: is required/],
    ["an odd number", SubscribeMessage.send({ ...message, data: { k: { value: NaN } } }), /data\.k\.value: /],
    ["no input", Security.msgSecCheck(null as any), /content: is required|input: must be/],
    ["an array", Security.msgSecCheck([] as any), /input: must be an object/],
    [
      "a secret alone",
      Auth.getAccessToken({ appsecret: "S" }),
      /appid: is missing; it is required together with appsecret/
    ],
    [
      "a token without end",
      Security.msgSecCheck({ content: "x", access_token: "Ab3_".repeat(25_000) }),
      /access_token: must be a token/
    ],
    ["an empty token", Security.msgSecCheck({ content: "x", access_token: "" }), /access_token: must be a token/],
    [
      "an unknown option",
      Security.msgSecCheck({ content: "x" }, { timeout: 5 } as any),
      /options\.timeout: is not an option of a call: write deadline or attemptTimeout/
    ],
    [
      "everything at once",
      Security.msgSecCheck({ appsecret: 5 } as any, { retries: 1, quota: 1 } as any),
      /content: is required.*; appid: is missing.*; appsecret: must be.*; options\.retries: .*: write attempts; options\.quota: /
    ],
    [
      "App.use of other names",
      Security.msgSecCheck({ content: "x" }).pipe(App.use({ appId: "1", secret: "s" } as any)),
      /appid: is missing \(appId is given: write appid\); appsecret: is missing \(secret is given: write appsecret\)/
    ],
    [
      "remaining of nothing",
      QQMini.remaining(Security.msgSecCheck, null as any),
      /app: must be an object, .*, not null/
    ],
    ["remaining of an appid", QQMini.remaining(Security.msgSecCheck, "1" as any), /app: must be .*, not a string/],
    [
      "remaining of another name",
      QQMini.remaining(Security.msgSecCheck, { appId: "1" } as any),
      /app\.appId: .*: write appid/
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
