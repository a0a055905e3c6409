/** I2: whatever bytes come back, the answer is a value or a `QQError`; and C1: a check passes only on QQ's own yes. */
import { assert, describe, it } from "@effect/vitest"
import * as App from "@qq-mini/core/App"
import { isQQError } from "@qq-mini/core/QQError"
import * as QQMini from "@qq-mini/core/QQMini"
import * as Quota from "@qq-mini/core/Quota"
import * as AccessToken from "@qq-mini/core/AccessToken"
import * as TokenCache from "@qq-mini/core/TokenCache"
import * as Security from "@qq-mini/core/Security"
import * as Transport from "@qq-mini/core/Transport"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as fc from "fast-check"
import { calls, image, stranger } from "./support/calls.ts"

const utf8 = new TextEncoder()
const runs = 2_000

// values that a status field or any other field may carry
const odd = fc.oneof(
  fc.constantFrom<unknown>(0, "0", -0, 0.5, 1e308, 9e15, -1, 40001, 87014, "87014", null, true, "", [], {}, [0]),
  fc.integer(),
  fc.string(),
  fc.jsonValue()
)
const fields = fc.dictionary(
  fc.constantFrom(
    "errcode",
    "errCode",
    "code",
    "errmsg",
    "errMsg",
    "access_token",
    "expires_in",
    "openid",
    "session_key",
    "unionid",
    "__proto__",
    "constructor",
    "toString"
  ),
  odd
)
const json = fc.oneof(
  fields.map((value) => JSON.stringify(value)),
  fc.jsonValue().map((value) => JSON.stringify(value)),
  fc.constantFrom('{"errCode":1e400}', '{"errcode":-0}', '{"errCode":0,"errCode":87014}', "﻿{}", "null", "0", '"ok"'),
  fc.integer({ min: 1, max: 20_000 }).map((depth) => "[".repeat(depth) + "]".repeat(depth)),
  fc.integer({ min: 1, max: 20_000 }).map((depth) => `{"errCode":${"[".repeat(depth)}`)
)
const bytes = fc.oneof(
  { weight: 4, arbitrary: json.map((text) => utf8.encode(text)) },
  { weight: 2, arbitrary: fc.tuple(json, fc.nat()).map(([text, at]) => utf8.encode(text.slice(0, at % text.length))) },
  { weight: 2, arbitrary: fc.uint8Array({ maxLength: 300 }) },
  { weight: 1, arbitrary: fc.nat(image.length).map((end) => image.slice(0, end)) },
  { weight: 1, arbitrary: fc.constantFrom(image, utf8.encode("<html>502</html>"), new Uint8Array(0)) }
)
const reply = fc.record({
  body: bytes,
  status: fc.constantFrom(200, 200, 200, 201, 301, 400, 404, 429, 500, 502, 599),
  type: fc.constantFrom("application/json", "image/png", "text/html", "", "x")
})

describe("whatever comes back", () => {
  for (const [endpoint, call] of Object.entries(calls)) {
    it(`I2, C1: ${runs} random replies to ${endpoint}`, { timeout: 120_000 }, async () => {
      let current: { body: Uint8Array; status: number; type: string }
      const token = JSON.stringify({ access_token: "TOKEN", expires_in: 7_200 })
      const http = HttpClient.make((request, url) => {
        const answer =
          endpoint !== "auth.getAccessToken" && url.pathname === "/api/getToken"
            ? new Response(token)
            : new Response(current.body as Uint8Array<ArrayBuffer>, {
                status: current.status,
                headers: { "content-type": current.type }
              })
        return Effect.succeed(HttpClientResponse.fromWeb(request, answer))
      })
      const runtime = ManagedRuntime.make(
        QQMini.layerNoDeps.pipe(
          Layer.provide(AccessToken.layer),
          Layer.provide(TokenCache.layerMemory),
          Layer.provide(
            Layer.mock(Quota.Quota, {
              remaining: () => Effect.succeed(Infinity),
              reserve: () => Effect.succeed({ granted: true, wait: 0, ticket: [] }),
              complete: () => Effect.void,
              release: () => Effect.void
            })
          ),
          Layer.provide(Transport.layerHttpClient),
          Layer.provide(Layer.succeed(HttpClient.HttpClient, http)),
          Layer.provide(App.layer({ appid: "1112345678", appsecret: "S" })),
          Layer.provide(
            Layer.succeed(QQMini.Settings, {
              ...QQMini.Settings.defaultValue(),
              retry: { attempts: 1, firstPause: 1, maxPause: 1 }
            })
          )
        )
      )
      // each run has its own secret, so that a "wrong secret" is not remembered for the next one
      let run = 0
      await fc.assert(
        fc.asyncProperty(reply, async (random) => {
          current = random
          const app = { appid: "1112345678", appsecret: `S${run++}` }
          const exit = await runtime.runPromiseExit(App.use(call(stranger), app))
          if (Exit.isFailure(exit)) {
            const failure = Cause.findFail(exit.cause)
            assert.strictEqual(failure._tag, "Success", Cause.pretty(exit.cause))
            if (failure._tag === "Success") assert.isTrue(isQQError(failure.success.error))
            return
          }
          if (endpoint.endsWith("SecCheck") && !(exit.value as Security.Verdict).risky) {
            const said = JSON.parse(new TextDecoder().decode(random.body)) as Record<string, unknown>
            assert.strictEqual(said["errCode"], 0)
            assert.strictEqual(Math.floor(random.status / 100), 2)
            for (const name of ["errcode", "code"]) assert.isFalse(/^-?[1-9]\d*$/.test(String(said[name])))
          }
          if (endpoint.endsWith("Message.send")) {
            const said = JSON.parse(new TextDecoder().decode(random.body)) as Record<string, unknown>
            assert.include([said["errcode"], said["errCode"]], 0)
          }
        }),
        { numRuns: runs, seed: 20_261_122 }
      )
      await runtime.dispose()
    })
  }
})
