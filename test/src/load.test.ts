/** Much at once: an outage of QQ that is not multiplied, and many calls that share one signal. */
import { assert, describe, it } from "@effect/vitest"
import * as App from "@qq-mini/core/App"
import * as QQMini from "@qq-mini/core/QQMini"
import * as Quota from "@qq-mini/core/Quota"
import { failed } from "@qq-mini/core/adapter/exchange"
import * as Security from "@qq-mini/core/Security"
import * as TokenCache from "@qq-mini/core/TokenCache"
import { createQQMini } from "@qq-mini/node"
import * as NodeTransport from "@qq-mini/node/NodeTransport"
import * as SandboxServer from "@qq-mini/sandbox/SandboxServer"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import { getEventListeners } from "node:events"
import { createServer, request, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import urllib from "urllib"
import { first } from "./support/calls.ts"
import { freePort } from "./support/redis.ts"

const listening = (server: Server) =>
  Effect.acquireRelease(
    Effect.callback<string>((resume) => {
      server.listen(0, "127.0.0.1", () =>
        resume(Effect.succeed(`http://127.0.0.1:${(server.address() as AddressInfo).port}`))
      )
    }),
    () =>
      Effect.sync(() => {
        server.closeAllConnections()
        server.close()
      })
  )

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
    left: () => Effect.succeed(Infinity),
    refused: () => Effect.void,
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

describe("D1: how far a request came, by the errors of real transports", () => {
  const cases = Effect.fnUntraced(function* (send: (url: string) => Promise<unknown>) {
    const phase = (url: string) =>
      Effect.map(Effect.flip(Effect.tryPromise({ try: () => send(url), catch: failed })), ({ phase, problem }) => ({
        phase,
        problem
      }))
    const refused = yield* phase(`http://127.0.0.1:${yield* Effect.promise(freePort)}`)
    const unknown = yield* phase("http://no-such-host.invalid")
    const reset = yield* Effect.flatMap(listening(createServer((incoming) => incoming.socket.resetAndDestroy())), phase)
    const silent = yield* Effect.flatMap(listening(createServer(() => {})), phase)
    const broken = yield* Effect.flatMap(
      listening(
        createServer((incoming, response) => {
          response.writeHead(200, { "content-length": 100 })
          response.write("half", () => incoming.socket.resetAndDestroy())
        })
      ),
      phase
    )
    return { refused, unknown, reset, silent, broken }
  }, Effect.scoped)

  const timeout = 500
  it.live.each([
    [
      "fetch",
      (url: string) => fetch(url, { signal: AbortSignal.timeout(timeout) }).then((response) => response.text())
    ],
    [
      "node:http",
      (url: string) =>
        new Promise((resolve, reject) => {
          const sent = request(url, { timeout }, (response) => {
            response.on("error", reject).on("end", resolve).resume()
          })
          sent.on("timeout", () => sent.destroy(Object.assign(new Error("timeout"), { code: "ETIMEDOUT" })))
          sent.on("error", reject).end()
        })
    ],
    ["urllib", (url: string) => urllib.request(url, { timeout })]
  ] as const)("%s", ([, send]) =>
    Effect.gen(function* () {
      const { broken, refused, reset, silent, unknown } = yield* cases(send)
      assert.deepStrictEqual(refused, { phase: "unsent", problem: "ECONNREFUSED" })
      assert.strictEqual(unknown.phase, "unsent")
      assert.match(unknown.problem, /ENOTFOUND|EAI_AGAIN/)
      for (const { phase } of [reset, silent, broken]) assert.strictEqual(phase, "lost")
    })
  )
})
