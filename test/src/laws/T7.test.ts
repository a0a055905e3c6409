/**
 * T7, a second deployment is noticed: when tokens die early again and again, the ping-pong stops. Calls fail with
 * `TokenContested`, which says what was seen and what to do.
 */
import { assert, it } from "@effect/vitest"
import * as AccessToken from "@qq-mini/core/AccessToken"
import * as Sandbox from "@qq-mini/sandbox/Sandbox"
import * as Effect from "effect/Effect"
import { TestClock } from "effect/testing"
import { app, check, fetches, noGrace, recordEvents, tokensOnly } from "../support/token.ts"

/** Another deployment fetches a token, which ends ours. */
const fetchElsewhere = Effect.flatMap(Sandbox.Sandbox, (sandbox) => sandbox.stealToken())

/** Makes a check each second, and `every10s` every 10 seconds. Gives how many checks succeeded or failed with which reason. */
const checkEverySecond = Effect.fnUntraced(function* (
  minutes: number,
  every10s: Effect.Effect<unknown, never, Sandbox.Sandbox>
) {
  const outcomes: Record<string, number> = {}
  for (let second = 0; second < minutes * 60; second++) {
    if (second % 10 === 0) yield* every10s
    const outcome = yield* Effect.match(check, {
      onSuccess: () => "ok",
      onFailure: ({ reason }) => reason._tag as string
    })
    outcomes[outcome] = (outcomes[outcome] ?? 0) + 1
    yield* TestClock.adjust("1 second")
  }
  return outcomes
})

it.effect(
  "T7: against a fetch elsewhere every 10 seconds, the ping-pong stops, is reported, and ends with its cause",
  () =>
    Effect.gen(function* () {
      const seen = yield* recordEvents
      const hour = yield* checkEverySecond(60, fetchElsewhere)
      assert.deepStrictEqual(Object.keys(hour).toSorted(), ["TokenContested", "ok"])
      // four at once, and one every 10 minutes
      assert.strictEqual(yield* fetches, 4 + 5)
      const error = yield* Effect.flip(check)
      assert.strictEqual(error.reason._tag, "TokenContested")
      if (error.reason._tag === "TokenContested") {
        assert.isAtLeast(error.reason.deaths, 4)
        assert.strictEqual(error.reason.ownFetches, 0)
        assert.strictEqual(error.reason.fetchedAgo.length, 6)
        assert.isAtMost(error.reason.fetchedAgo.at(-1)!, 600_000)
        assert.isAtMost(error.retryAfter!, 600_000)
      }
      assert.include(error.message, "another deployment")
      assert.include(error.message, "另有服务")
      yield* checkEverySecond(12, Effect.void)
      assert.deepStrictEqual(yield* checkEverySecond(200, Effect.void), { ok: 12_000 })
      // the last of those tokens lasted, and was renewed at its time
      assert.isAtMost(yield* fetches, 9 + 1 + 2)
      const count = (tag: AccessToken.TokenEvent["_tag"]) => seen.filter(({ _tag }) => _tag === tag).length
      assert.strictEqual(count("Contested"), 6)
      assert.isAtLeast(count("Invalidated"), 9)
      assert.isAtLeast(count("Renewed"), 1)
    }).pipe(Effect.provide(Sandbox.layerWith(noGrace)))
)

it.effect("T7: with QQ's 5 minutes of grace, fetches elsewhere cost a getToken now and then, and no call", () =>
  Effect.gen(function* () {
    const seen = yield* recordEvents
    assert.deepStrictEqual(yield* checkEverySecond(120, fetchElsewhere), { ok: 7_200 })
    assert.isAtMost(yield* fetches, 120 / 5)
    // reported all the same: after three early deaths, and again after twelve; nothing stops for it
    const waits = seen.flatMap((event) => (event._tag === "Contested" ? [event.reason.wait] : []))
    assert.deepStrictEqual(waits, [0, 0])
  }).pipe(Effect.provide(Sandbox.layer))
)

it.effect("T7: processes on one store share what they know of the early deaths", () =>
  Effect.gen(function* () {
    const sandbox = yield* Sandbox.Sandbox
    for (let i = 0; i < 8; i++) {
      // a new process, with nothing in its memory
      const tokens = yield* AccessToken.make
      const token = yield* Effect.result(tokens.get(app, 10_000))
      if (token._tag === "Success") {
        yield* sandbox.revokeTokens()
        yield* Effect.result(tokens.renew(app, token.success, 10_000))
      }
      yield* sandbox.revokeTokens()
      yield* TestClock.adjust("5 seconds")
    }
    assert.strictEqual(yield* fetches, 4)
  }).pipe(Effect.scoped, Effect.provide(tokensOnly))
)

it.effect("T7: a single early death, or one a day, is no contest", () =>
  Effect.gen(function* () {
    const sandbox = yield* Sandbox.Sandbox
    for (let day = 1; day <= 10; day++) {
      yield* check
      yield* sandbox.revokeTokens()
      yield* check
      assert.strictEqual(yield* fetches, 2 * day)
      yield* TestClock.adjust("1 day")
    }
  }).pipe(Effect.provide(Sandbox.layer))
)
