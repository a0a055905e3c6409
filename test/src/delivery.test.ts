/** How a call fares that is waited for, refused or cut off, beside the laws D1 to D3. */
import { assert, describe, it } from "@effect/vitest"
import type { CallOptions } from "@qq-mini/core/Endpoint"
import type { QQError } from "@qq-mini/core/QQError"
import * as Quota from "@qq-mini/core/Quota"
import * as Security from "@qq-mini/core/Security"
import * as Sandbox from "@qq-mini/sandbox/Sandbox"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Result from "effect/Result"
import { TestClock } from "effect/testing"
import { answering } from "./support/answering.ts"
import { overHttp } from "./support/overHttp.ts"
import { messageTo } from "./support/token.ts"

describe("delivery", () => {
  it.effect("an error says how many requests were sent and how long it took", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.Sandbox
      const failure = Effect.fnUntraced(function* (content: string, options?: CallOptions) {
        const call = yield* Effect.forkChild(Effect.flip(Security.msgSecCheck({ content }, options)))
        yield* TestClock.adjust("1 minute")
        return yield* Fiber.join(call)
      })
      const shown = ({ attempts, elapsed }: QQError) => ({ attempts, elapsed })

      assert.deepStrictEqual(shown(yield* failure("")), { attempts: 0, elapsed: 0 })

      yield* sandbox.fault({ kind: "slowHeaders", endpoint: "security.msgSecCheck", times: 4, delay: "1 hour" })
      const alone = { attempts: 1, attemptTimeout: 100 }
      assert.deepStrictEqual(shown(yield* failure("x", alone)), { attempts: 1, elapsed: 100 })
      const thrice = yield* failure("x", { attemptTimeout: 100 })
      assert.strictEqual(thrice.attempts, 3)
      assert.isAtLeast(thrice.elapsed, 300)

      // A request that QQ refused for its token counts, the fetch of another token does not.
      yield* sandbox.fault({ kind: "badToken", endpoint: "security.msgSecCheck", times: 9 })
      const refused = yield* failure("x")
      assert.deepStrictEqual([refused.reason._tag, refused.code, refused.attempts], ["InvalidToken", 40001, 2])
    }).pipe(Effect.provide(Sandbox.layer))
  )

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

  it.effect("with room in the quota, callers who wait long for their turn lose neither it nor time", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.Sandbox
      yield* Security.msgSecCheck({ content: "x" })
      yield* sandbox.fault({ kind: "slowHeaders", endpoint: "security.msgSecCheck", times: 640, delay: "1 second" })
      // ten rounds of 64 turns, a second each
      const calls = Array.from({ length: 640 }, () =>
        Security.msgSecCheck({ content: "x" }, { deadline: "10500 millis" })
      )
      const fiber = yield* Effect.forkChild(Effect.all(calls.map(Effect.result), { concurrency: "unbounded" }))
      for (let i = 0; i < 110; i++) yield* TestClock.adjust("100 millis")
      assert.strictEqual((yield* Fiber.join(fiber)).filter(Result.isSuccess).length, 640)
    }).pipe(Effect.provide(Sandbox.layer))
  )

  it.live("a caller's turn: 1,000 sends at once over few connections are all sent, and none is called lost", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.Sandbox
      const users = yield* Effect.forEach(Array.from({ length: 1_000 }), (_, i) =>
        Effect.tap(sandbox.login({ user: `user ${i}` }), ({ openid }) => sandbox.subscribe({ openid }))
      )
      yield* sandbox.fault({ kind: "slowHeaders", endpoint: "subscribeMessage.send", times: 256, delay: "1 second" })
      const told = yield* Effect.forEach(users, ({ openid }) => Effect.result(messageTo(openid)), {
        concurrency: "unbounded"
      })
      assert.strictEqual(told.filter(Result.isSuccess).length, 1_000)
    }).pipe(Effect.provide(overHttp({}, { attemptTimeout: 3_000 })))
  )

  it.effect("a quota of another's counting can be put in its place", () =>
    Effect.gen(function* () {
      const limits = [Quota.perMinute(1)]
      const quota = yield* Quota.makeMemory
      assert.isTrue((yield* quota.reserve({ key: "k", limits, maxWait: 0, ttl: 15_000 })).granted)
      assert.strictEqual(yield* quota.remaining({ key: "k", limits }), 0)
    })
  )
})
