/**
 * D1: reads and checks may be repeated; sends may not, unless it is certain that nothing was sent or QQ answered that
 * nothing was done.
 */
import { assert, describe, it } from "@effect/vitest"
import { toTransportError } from "@qq-mini/core/adapter/exchange"
import * as NodeQQMini from "@qq-mini/node/NodeQQMini"
import * as Sandbox from "@qq-mini/sandbox/Sandbox"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { createServer, request } from "node:http"
import urllib from "urllib"
import { first } from "../support/calls.ts"
import { listening } from "../support/listening.ts"
import { nobodyThere } from "../support/nobodyThere.ts"
import { overHttp } from "../support/overHttp.ts"
import { freePort } from "../support/redis.ts"
import { messageTo } from "../support/token.ts"

it.live("D1, D2: 2,000 messages over connections that break: none twice, and every caller knows", () =>
  Effect.gen(function* () {
    const sandbox = yield* Sandbox.Sandbox
    const users = yield* Effect.forEach(Array.from({ length: 2_000 }), (_, i) =>
      Effect.tap(sandbox.login({ user: `user ${i}` }), ({ openid }) => sandbox.subscribe({ openid, times: 2 }))
    )
    const endpoint = "subscribeMessage.send"
    yield* sandbox.fault({ kind: "resetBefore", endpoint, share: 0.2 })
    yield* sandbox.fault({ kind: "resetAfter", endpoint, share: 0.2 })
    yield* sandbox.fault({ kind: "badToken", endpoint, times: 2 })
    const told = yield* Effect.forEach(users, ({ openid }) => Effect.result(messageTo(openid)), {
      concurrency: 500
    })
    const log = (yield* sandbox.log).filter((entry) => entry.endpoint === endpoint && entry.code === 0)
    const received = new Map<unknown, number>()
    for (const { params } of log) received.set(params["touser"], (received.get(params["touser"]) ?? 0) + 1)
    const count = { sent: 0, notSent: 0, unknown: 0 }
    for (const [i, result] of told.entries()) {
      const got = received.get(users[i]!.openid) ?? 0
      assert.isAtMost(got, 1)
      if (Result.isSuccess(result)) {
        count.sent++
        assert.strictEqual(got, 1)
      } else if (result.failure.reason._tag === "OutcomeUnknown") {
        count.unknown++
      } else {
        count.notSent++
        assert.strictEqual(got, 0)
      }
    }
    assert.strictEqual(count.sent + count.notSent + count.unknown, 2_000)
    assert.isAbove(count.sent, 800)
    assert.isAbove(count.unknown, 400)
    // On a busy machine 2,000 messages take longer than a call usually may.
  }).pipe(Effect.provide(overHttp({}, { attemptTimeout: 60_000, deadline: 240_000 })))
)

it.live("D1: a send to a server that is not there is tried again, and is known not to have been sent", () =>
  Effect.gen(function* () {
    const error = yield* Effect.flip(
      messageTo("X").pipe(Effect.provide(NodeQQMini.layer({ apps: [first], baseUrl: nobodyThere })))
    )
    assert.strictEqual(error.reason._tag, "ConnectionFailed")
    assert.include(error.message, "ECONNREFUSED")
  })
)

describe("D1: how far a request came, by the errors of real transports", () => {
  const cases = Effect.fnUntraced(function* (send: (url: string) => Promise<unknown>) {
    const phase = (url: string) =>
      Effect.map(
        Effect.flip(Effect.tryPromise({ try: () => send(url), catch: toTransportError })),
        ({ phase, problem }) => ({
          phase,
          problem
        })
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
