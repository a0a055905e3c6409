/** `QQMini.request`: any other path, with all that the client does for the calls it knows. */
import { assert, describe, it } from "@effect/vitest"
import * as QQMini from "@qq-mini/core/QQMini"
import * as Security from "@qq-mini/core/Security"
import { createQQMini, isQQError } from "@qq-mini/node"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { image } from "./support/calls.ts"
import { app, recording, token } from "./support/recordingServer.ts"
import { assertNone, Seen } from "./support/seen.ts"

const path = "/api/json/group/NewCall"

describe("QQMini.request", () => {
  it.live("sends the token, the query and the body, and gives QQ's fields", () =>
    Effect.gen(function* () {
      const { layer, requests } = yield* recording(({ method }) =>
        method === "GET" ? { status: 200, body: image } : { errcode: 0, errmsg: "ok", list: [1] }
      )
      yield* Effect.gen(function* () {
        const fields = yield* QQMini.request({ path, query: { id: 7, none: undefined, 文: "a&b" }, body: { 名: "值" } })
        assert.deepStrictEqual(fields, { errcode: 0, errmsg: "ok", list: [1] })
        const bytes = yield* QQMini.request({ path, method: "GET", query: { on: true }, answer: "bytes" })
        assert.deepStrictEqual(bytes, image)
        yield* QQMini.request({
          path,
          body: "a=1",
          contentType: "application/x-www-form-urlencoded",
          access_token: "OWN"
        })
      }).pipe(Effect.provide(layer))
      assert.deepStrictEqual(
        requests.map(({ body, headers, method, query }) => [method, [...query], headers["content-type"], body]),
        [
          [
            "POST",
            [
              ["access_token", token],
              ["id", "7"],
              ["文", "a&b"]
            ],
            "application/json",
            '{"名":"值"}'
          ],
          [
            "GET",
            [
              ["access_token", token],
              ["on", "true"]
            ],
            undefined,
            ""
          ],
          ["POST", [["access_token", "OWN"]], "application/x-www-form-urlencoded", "a=1"]
        ]
      )
      assert.isTrue(requests.every((request) => request.path === path))
    }).pipe(Effect.scoped)
  )

  it.live("I1: goes to no other host and no other path, and with no other token", () =>
    Effect.gen(function* () {
      const { layer, requests } = yield* recording(() => ({ errcode: 0 }))
      const loop: Record<string, unknown> = {}
      loop["loop"] = loop
      const wrong: ReadonlyArray<readonly [field: string, request: object]> = [
        ...[
          "https://evil.example/api",
          "//evil.example/api",
          "/\\evil.example/api",
          "\\\\evil.example",
          "/@evil.example",
          "/api/../sns/x",
          "/api/./x",
          "/api/..",
          "/api/...",
          "/api/%2e%2e/x",
          "/api%2fx",
          "/api//x",
          "/api/x?access_token=1",
          "/api/x#y",
          "/api/x:80",
          "/api/x y",
          "/api/x\r\nHost: evil.example",
          "/api/x\n",
          "/api/x\u0000",
          "/api/文",
          "api/x",
          "/",
          "",
          "/api/getToken",
          "/API/gettoken/"
        ].map((path) => ["path", { path }] as const),
        ["query", { path, query: { access_token: "x" } }],
        ["query", { path, query: { accessToken: "x" } }],
        ["body", { path, body: { access_token: "x" } }],
        ["query.a", { path, query: { a: {} } }],
        ["body", { path, body: loop }],
        ["body", { path, body: { a: 1n } }],
        ["body", { path, body: [] }],
        ["body", { path, method: "GET", body: {} }],
        ["method", { path, method: "PUT" }],
        ["contentType", { path, body: "x", contentType: "text/xml\r\nx: y" }],
        ["delivery", { path, delivery: "twice" }],
        ["limits.0.window", { path, limits: [{ max: 1, window: "hour" }] }],
        ["limits.0.max", { path, limits: [{ max: -1, window: "day" }] }],
        ["limits", { path, limits: "many" }],
        ["answer", { path, answer: "text" }],
        ["path", { url: path }],
        ["headers", { path, headers: {} }]
      ]
      for (const [field, request] of wrong) {
        const error = yield* Effect.flip(Effect.provide(QQMini.request(request as { path: string }), layer))
        const { reason } = error
        assert.isTrue(reason._tag === "InvalidInput" && reason.field === field, `${field}: ${error.message}`)
        assert.match(error.help.zh, /[一-鿿].*未发送任何请求。$/)
        assert.notInclude(error.message, "evil")
      }
      assert.deepStrictEqual(requests, [])
    }).pipe(Effect.scoped)
  )

  it.live("D1: repeats a GET but no POST, unless the caller says otherwise", () =>
    Effect.gen(function* () {
      const { layer, requests } = yield* recording(() => undefined)
      const outcome = (request: QQMini.OtherRequest) =>
        Effect.map(Effect.flip(QQMini.request(request)), ({ reason }) => [reason._tag, requests.splice(0).length])
      yield* Effect.gen(function* () {
        assert.deepStrictEqual(yield* outcome({ path }), ["OutcomeUnknown", 1])
        assert.deepStrictEqual(yield* outcome({ path, method: "GET" }), ["ConnectionFailed", 3])
        assert.deepStrictEqual(yield* outcome({ path, delivery: "repeatable" }), ["ConnectionFailed", 3])
        assert.deepStrictEqual(yield* outcome({ path, method: "GET", delivery: "once" }), ["OutcomeUnknown", 1])
      }).pipe(Effect.provide(layer))
    }).pipe(Effect.scoped)
  )

  it.live("keeps the limits of the path, and knows QQ's errors; what is no clear answer is an error", () =>
    Effect.gen(function* () {
      const secret = "a/secret+of-the-caller"
      const answers: ReadonlyArray<readonly [answer: object, expected: string]> = [
        [{ errcode: 40013, errmsg: "invalid" }, "InvalidAppId"],
        [{ errCode: 87, errMsg: `no ${secret} ${encodeURIComponent(secret)}` }, "Rejected"],
        [{ status: 500, body: '{"errcode":0}' }, "UnreadableAnswer"],
        [{ status: 200, body: "<html>502</html>" }, "UnreadableAnswer"],
        [{ status: 200, body: "[1]" }, "UnreadableAnswer"],
        [{ status: 200, body: '{"errcode":40013,' }, "UnreadableAnswer"]
      ]
      let at = 0
      const { layer, requests } = yield* recording(() => answers[at]![0])
      const seen = new Seen()
      yield* Effect.gen(function* () {
        for (; at < answers.length; at++) {
          for (const answer of ["json", "bytes"] as const) {
            const request = { path, method: "GET", query: { key: Redacted.make(secret) }, answer } as const
            yield* seen.run(QQMini.request(request, { attempts: 1 }))
            assert.strictEqual(seen.errors.at(-1)!.reason._tag, answers[at]![1], `${at} ${answer}`)
          }
        }
        assertNone(seen.text(), [secret, token])
        assert.strictEqual(seen.errors[0]!.endpoint, `request ${path}`)
        assert.strictEqual(requests.length, 2 * answers.length)
        at = 0
        const limits = [{ max: 1, window: "minute" }] as const
        const limited = (path: string) =>
          Effect.map(Effect.flip(QQMini.request({ path, limits }, { quota: "fail" })), ({ reason }) => reason._tag)
        assert.deepStrictEqual(
          [yield* limited(path), yield* limited(path), yield* limited(`${path}2`)],
          ["InvalidAppId", "QuotaReached", "InvalidAppId"]
        )
      }).pipe(Effect.provide(layer))
    }).pipe(Effect.scoped)
  )

  it.live("is there in promises, and for another program", () =>
    Effect.gen(function* () {
      const { requests, url } = yield* recording(({ path }) =>
        path === "/api/no" ? { errcode: 1 } : { errcode: 0, x: 1 }
      )
      const other = { appid: "1198765432", appsecret: "OTHER" }
      yield* Effect.promise(async () => {
        await using qq = createQQMini({ ...app, apps: [other], baseUrl: url, store: "memory" })
        assert.deepStrictEqual(await qq.request({ path, body: {} }), { errcode: 0, x: 1 })
        assert.deepStrictEqual(await qq.app(other.appid).request({ path, method: "GET" }), { errcode: 0, x: 1 })
        const failure = (call: Promise<unknown>) =>
          call.then(
            () => assert.fail("was expected to fail"),
            (error: unknown) => (isQQError(error) ? error : assert.fail(String(error)))
          )
        const refused = await failure(qq.app(other.appid).request({ path: "/api/no" }))
        assert.deepStrictEqual([refused.app, refused.code], [other.appid, 1])
        const misnamed = await failure(qq.request({ path }, { abortSignal: AbortSignal.abort() } as object))
        assert.strictEqual(misnamed.endpoint, "request")
        assert.strictEqual(requests.length, 3)
      })
      const stub = QQMini.layerStub({ request: () => Effect.succeed({ x: 2 }) })
      assert.deepStrictEqual(yield* Effect.provide(QQMini.request({ path }), stub), { x: 2 })
      assert.strictEqual(
        (yield* Effect.flip(Effect.provide(QQMini.request({ path: "/" }), stub))).reason._tag,
        "InvalidInput"
      )
    }).pipe(Effect.scoped)
  )
})

describe("security.mediaCheckAsync", () => {
  it.live("starts a check and gives its trace_id; an answer without one is an error", () =>
    Effect.gen(function* () {
      const { layer, requests } = yield* recording((_, nth) =>
        nth === 1 ? { errCode: 0, trace_id: "t1" } : { errcode: 0 }
      )
      const media = { media_url: "https://example.com/a.mp3", media_type: 1 } as const
      yield* Effect.gen(function* () {
        assert.deepStrictEqual(yield* Security.mediaCheckAsync(media), { trace_id: "t1" })
        assert.deepStrictEqual(JSON.parse(requests[0]!.body), { appid: app.appid, ...media })
        const error = yield* Effect.flip(Security.mediaCheckAsync(media, { attempts: 1 }))
        assert.strictEqual(error.reason._tag, "UnreadableAnswer")
        const wrong = yield* Effect.flip(Security.mediaCheckAsync({ ...media, media_url: "file:///etc/passwd" }))
        assert.match(wrong.message, /media_url: must be an address/)
      }).pipe(Effect.provide(layer))
      assert.strictEqual(requests.length, 2)
    }).pipe(Effect.scoped)
  )
})
