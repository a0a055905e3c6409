import { assert, describe, it, layer } from "@effect/vitest"
import * as App from "@qq-mini/core/App"
import * as QQMini from "@qq-mini/core/QQMini"
import * as Transport from "@qq-mini/core/Transport"
import * as Sandbox from "@qq-mini/sandbox/Sandbox"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/testing/TestClock"
import * as Moderation from "./Moderation.ts"

const texts = ["床前明月光", Sandbox.riskySamples[0], "疑是地上霜"]

// The sandbox as QQ, with the time of TestClock.
layer(Moderation.layer.pipe(Layer.provideMerge(Sandbox.layer)))("on the sandbox", (it) => {
  it.effect("what is risky does not pass", () =>
    Effect.gen(function* () {
      const { passed } = yield* Moderation.Moderation
      assert.deepStrictEqual(yield* passed(texts), ["床前明月光", "疑是地上霜"])
    })
  )

  it.effect("nothing passes while QQ answers with nothing", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.Sandbox
      const { passed } = yield* Moderation.Moderation
      yield* sandbox.fault({ kind: "empty", endpoint: "security.msgSecCheck", share: 1 })
      const checking = yield* Effect.forkChild(Effect.flip(passed(texts)))
      // The client tries again after a pause, on the clock of the test.
      yield* TestClock.adjust("15 seconds")
      const { reason } = yield* Fiber.join(checking)
      assert.strictEqual(reason._tag, "UnreadableAnswer")
    })
  )
})

describe("without the sandbox", () => {
  // One call is answered by a function. No request is made.
  const stub = QQMini.layerStub({ "security.msgSecCheck": () => Effect.succeed({ risky: true }) })

  it.effect("on a stub of one call", () =>
    Effect.gen(function* () {
      const { passed } = yield* Moderation.Moderation
      assert.deepStrictEqual(yield* passed(texts), [])
    }).pipe(Effect.provide(Moderation.layer.pipe(Layer.provide(stub))))
  )

  // The whole client over an HTTP client of the test.
  const http = HttpClient.make((request) =>
    Effect.succeed(
      HttpClientResponse.fromWeb(
        request,
        Response.json(
          request.url.includes("getToken")
            ? { errcode: 0, errmsg: "ok", access_token: "A_TOKEN", expires_in: 7200 }
            : { errCode: 0, errMsg: "ok" }
        )
      )
    )
  )
  const client = QQMini.layer.pipe(
    Layer.provide(Transport.layerHttpClient.pipe(Layer.provide(Layer.succeed(HttpClient.HttpClient, http)))),
    Layer.provide(App.layer({ appid: "1112345678", appsecret: "a secret" }))
  )

  it.effect("on an HTTP client of the test", () =>
    Effect.gen(function* () {
      const { passed } = yield* Moderation.Moderation
      assert.deepStrictEqual(yield* passed(["你好"]), ["你好"])
    }).pipe(Effect.provide(Moderation.layer.pipe(Layer.provide(client))))
  )
})
