/** Much at once: an outage of QQ that is not multiplied, and a million calls that leave nothing behind. */
import { assert, describe, it } from "@effect/vitest"
import * as App from "@qq-mini/core/App"
import * as QQMini from "@qq-mini/core/QQMini"
import * as Quota from "@qq-mini/core/Quota"
import * as Retry from "@qq-mini/core/Retry"
import * as Security from "@qq-mini/core/Security"
import * as TokenCache from "@qq-mini/core/TokenCache"
import * as NodeQQMini from "@qq-mini/node/NodeQQMini"
import * as SandboxServer from "@qq-mini/sandbox/SandboxServer"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import { execFile } from "node:child_process"
import { createServer, request, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import urllib from "urllib"
import { first } from "./support.ts"
import { freePort } from "./redis.ts"

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
    "a minute at 500 calls a second: at most 1.2 attempts a call, and recovery at once",
    () =>
      Effect.gen(function* () {
        const { url } = yield* SandboxServer.SandboxServer
        const { state, url: baseUrl } = yield* gateway(url)
        const client = QQMini.layerStores.pipe(
          Layer.provide(Layer.mergeAll(TokenCache.layerMemory, unlimited, App.layer(first), NodeQQMini.layerHttp)),
          Layer.provide(Layer.succeed(QQMini.Settings, { ...QQMini.Settings.defaultValue(), baseUrl }))
        )
        const check = Security.msgSecCheck({ content: "x" })
        yield* Effect.gen(function* () {
          yield* check
          state.down = true
          state.attempts = 0
          const calls: Array<Fiber.Fiber<boolean>> = []
          for (let tick = 0; tick < 3_000; tick++) {
            for (let i = 0; i < 10; i++) {
              calls.push(
                yield* Effect.forkChild(Effect.match(check, { onSuccess: () => true, onFailure: () => false }))
              )
            }
            yield* Effect.sleep(20)
          }
          const answered = (yield* Fiber.joinAll(calls)).filter(Boolean).length
          assert.strictEqual(answered, 0)
          assert.strictEqual(calls.length, 30_000)
          assert.isAtLeast(state.attempts, 30_000)
          assert.isAtMost(state.attempts, 1.2 * 30_000)
          state.down = false
          // the very next calls are answered
          const back = yield* Effect.forEach(Array.from({ length: 100 }), () => check, { concurrency: 10 })
          assert.strictEqual(back.length, 100)
        }).pipe(Effect.provide(client))
      }).pipe(Effect.scoped, Effect.provide(SandboxServer.layer({ quota: { "security.msgSecCheck": [] } }))),
    240_000
  )
})

describe("a million calls", () => {
  it.live(
    "that share one AbortSignal leave no listener on it, and nothing on the heap",
    () =>
      Effect.gen(function* () {
        const soak = fileURLToPath(new URL("soak.ts", import.meta.url))
        const { stdout } = yield* Effect.promise(() =>
          promisify(execFile)(process.execPath, ["--expose-gc", soak], { maxBuffer: 1e7 })
        )
        const { after, calls, heaps, most } = JSON.parse(stdout.slice(stdout.indexOf("{")))
        assert.strictEqual(calls, 1_000_000)
        assert.strictEqual(most, 500)
        assert.strictEqual(after, 0)
        // from the second tenth on, when all that is compiled and cached is there: a byte a call would be 100 KB a tenth. The
        // median, since on a busy machine something may be compiled once more.
        const grown: Array<number> = heaps.slice(2).map((heap: number, i: number) => heap - heaps[i + 1])
        assert.isBelow(grown.toSorted((one, other) => one - other)[grown.length >> 1]!, 60_000)
      }),
    400_000
  )
})

describe("D1: how far a request came, by the errors of real transports", () => {
  const cases = Effect.fnUntraced(function* (send: (url: string) => Promise<unknown>) {
    const phase = (url: string) =>
      Effect.map(Effect.flip(Effect.tryPromise({ try: () => send(url), catch: (error) => error })), (error) =>
        Retry.phaseOf(error)
      )
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
