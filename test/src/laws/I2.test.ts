/** I2: whatever comes back, the answer is a value or a `QQError`. Random replies to each call are in replies.test.ts. */
import { assert, it } from "@effect/vitest"
import * as App from "@qq-mini/core/App"
import * as Auth from "@qq-mini/core/Auth"
import * as Body from "@qq-mini/core/Body"
import * as QQMini from "@qq-mini/core/QQMini"
import * as Security from "@qq-mini/core/Security"
import * as Transport from "@qq-mini/core/Transport"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import { TestClock } from "effect/testing"
import { answering, tag } from "../support/answering.ts"
import { requestClient } from "../support/serverless.ts"
import { check } from "../support/token.ts"

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

it.effect("I2: a waitUntil that throws fails no call", () =>
  Effect.gen(function* () {
    yield* check
    yield* TestClock.adjust("116 minutes")
    // as a method does that was taken from its object
    const throwing = () => {
      throw new TypeError("Illegal invocation")
    }
    assert.deepStrictEqual(yield* Effect.provideService(check, QQMini.WaitUntil, throwing), { risky: false })
  }).pipe(Effect.provide(requestClient))
)

it.live("I2: half of a character, as a text that was cut in two ends, can be sent in a query and a form", () =>
  Effect.gen(function* () {
    const login = Auth.code2Session({ code: "C\ud83d" })
    assert.deepStrictEqual(yield* tag(Effect.provide(login, answering('{"openid":"O"}'))), { openid: "O" })
    assert.strictEqual((yield* Body.form({ content: "\udc4dx😀" })).body, "content=%EF%BF%BDx%F0%9F%98%80")
  })
)
