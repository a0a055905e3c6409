/** Much at once: an outage of QQ that is not multiplied, and many calls that share one signal. */
import { assert, describe, it } from "@effect/vitest"
import * as App from "@qq-mini/core/App"
import * as QQMini from "@qq-mini/core/QQMini"
import * as Quota from "@qq-mini/core/Quota"
import * as Security from "@qq-mini/core/Security"
import * as TokenCache from "@qq-mini/core/TokenCache"
import { createQQMini } from "@qq-mini/node"
import * as NodeTransport from "@qq-mini/node/NodeTransport"
import * as SandboxServer from "@qq-mini/sandbox/SandboxServer"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import { getEventListeners } from "node:events"
import { createServer, request } from "node:http"
import { first } from "./support/calls.ts"
import { listening } from "./support/listening.ts"

/** What stands before QQ, and can be down: then it says 503, or nothing. */
const gateway = Effect.fnUntraced(function* (to: string) {
  const state = { down: false, attempts: 0 }
  const server = createServer((incoming, response) => {
    state.attempts++
    if (!state.down) {
      const onward = request(
        `${to}${incoming.url}`,
        { method: incoming.method, headers: incoming.headers },
        (answer) => {
          response.writeHead(answer.statusCode!, answer.headers)
          answer.pipe(response)
        }
      )
      incoming.pipe(onward)
    } else if (state.attempts % 2 === 0) {
      incoming.socket.resetAndDestroy()
    } else {
      incoming.resume()
      response.writeHead(503, { "content-type": "text/html" }).end("<html>503 Service Unavailable</html>")
    }
  })
  return { state, url: yield* listening(server) }
})

/** No limits: QQ's own would not let so many calls through. */
const unlimited = Layer.succeed(
  Quota.Quota,
  Quota.Quota.of({
    reserve: () => Effect.succeed({ granted: true, wait: 0, ticket: [] }),
    complete: () => Effect.void,
    release: () => Effect.void,
    remaining: () => Effect.succeed(Infinity),
    close: () => Effect.void,
    isClosed: () => Effect.succeed(false)
  })
)

describe("an outage of QQ", () => {
  it.live(
    "2,000 calls: at most 1.2 attempts a call, and recovery at once",
    () =>
      Effect.gen(function* () {
        const { url } = yield* SandboxServer.SandboxServer
        const { state, url: baseUrl } = yield* gateway(url)
        const client = QQMini.layerStores.pipe(
          Layer.provide(Layer.mergeAll(TokenCache.layerMemory, unlimited, App.layer(first), NodeTransport.layer)),
          Layer.provide(
            Layer.succeed(QQMini.Settings, { ...QQMini.Settings.defaultValue(), deadline: 120_000, baseUrl })
          )
        )
        const check = Security.msgSecCheck({ content: "x" })
        yield* Effect.gen(function* () {
          yield* check
          state.down = true
          state.attempts = 0
          const calls: Array<Fiber.Fiber<boolean>> = []
          for (let tick = 0; tick < 200; tick++) {
            for (let i = 0; i < 10; i++) {
              calls.push(
                yield* Effect.forkChild(Effect.match(check, { onSuccess: () => true, onFailure: () => false }))
              )
            }
            yield* Effect.sleep(5)
          }
          const answered = (yield* Fiber.joinAll(calls)).filter(Boolean).length
          assert.strictEqual(answered, 0)
          assert.strictEqual(calls.length, 2_000)
          assert.isAtLeast(state.attempts, 2_000)
          assert.isAtMost(state.attempts, 1.2 * 2_000)
          state.down = false
          // the very next calls are answered
          const back = yield* Effect.forEach(Array.from({ length: 100 }), () => check, { concurrency: 10 })
          assert.strictEqual(back.length, 100)
        }).pipe(Effect.provide(client))
      }).pipe(Effect.scoped, Effect.provide(SandboxServer.layer({ quota: { "security.msgSecCheck": [] } }))),
    240_000
  )
})

describe("many calls", () => {
  it("that share one AbortSignal have a listener each while they are under way, and none after", async () => {
    await using sandbox = await SandboxServer.start()
    await using qq = createQQMini({ ...first, store: "memory", baseUrl: sandbox.url })
    const { signal } = new AbortController()
    const listeners = () => getEventListeners(signal, "abort").length
    const wave = Promise.all(Array.from({ length: 500 }, () => qq.security.msgSecCheck({ content: "x" }, { signal })))
    assert.strictEqual(listeners(), 500)
    await wave
    assert.strictEqual(listeners(), 0)
  })
})
