/** When a call asks for a token, and what it makes of getToken's answers. */
import { assert, it } from "@effect/vitest"
import * as App from "@qq-mini/core/App"
import * as Auth from "@qq-mini/core/Auth"
import { allCodes } from "@qq-mini/core/Endpoints"
import { fromCode } from "@qq-mini/core/Code"
import * as QQMini from "@qq-mini/core/QQMini"
import * as Quota from "@qq-mini/core/Quota"
import * as Sandbox from "@qq-mini/sandbox/Sandbox"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import { TestClock } from "effect/testing"
import { second } from "./support/calls.ts"
import { runFor } from "./support/clock.ts"
import { withLimits } from "./support/limits.ts"
import { check, fetches, oneStore } from "./support/token.ts"

it.effect.each([...new Set(allCodes().map(({ code }) => code))])("getToken's code %i is the caller's reason", (code) =>
  Effect.gen(function* () {
    const sandbox = yield* Sandbox.Sandbox
    yield* sandbox.fault({ kind: "code", code, endpoint: "auth.getAccessToken", times: 100 })
    const error = yield* runFor("10 seconds", Effect.flip(check))
    assert.strictEqual(error.reason._tag, fromCode(Auth.getAccessToken.codes, code, "")._tag)
  }).pipe(Effect.provide(Sandbox.layer))
)

it.effect('a refusal such as "too often" is not repeated and holds for the next call; "busy" is repeated twice', () =>
  Effect.gen(function* () {
    const sandbox = yield* Sandbox.Sandbox
    for (const [code, calls, expected] of [
      [45009, 2, 1],
      [12345, 2, 1],
      [-1, 1, 3]
    ] as const) {
      yield* sandbox.clearLog
      yield* sandbox.fault({ kind: "code", code, endpoint: "auth.getAccessToken", times: 1_000 })
      yield* runFor(
        "2 seconds",
        Effect.forEach(Array.from({ length: calls }), () => Effect.flip(check))
      )
      assert.strictEqual(yield* fetches, expected)
      yield* sandbox.heal
      yield* TestClock.adjust("1 minute")
    }
  }).pipe(Effect.provide(Sandbox.layer))
)

it.effect("a lifetime of more than 2 hours counts as 2 hours", () =>
  Effect.gen(function* () {
    yield* check
    yield* TestClock.adjust("2 hours")
    yield* check
    assert.strictEqual(yield* fetches, 2)
  }).pipe(Effect.provide(Sandbox.layerWith({ switches: { tokenLifetime: 36_000 } })))
)

it.effect("a call without a place in the quota asks for none, and one that gets no token keeps no place", () => {
  const limit = (max: number) =>
    Layer.effect(
      Quota.Quota,
      Effect.map(Quota.Quota, (quota) => withLimits(quota, () => [Quota.perDay(max)]))
    )
  return Effect.gen(function* () {
    const full = Layer.fresh(QQMini.layerStores).pipe(Layer.provide(limit(0)))
    assert.strictEqual((yield* Effect.flip(Effect.provide(check, full))).reason._tag, "QuotaReached")
    assert.strictEqual(yield* fetches, 0)

    const sandbox = yield* Sandbox.Sandbox
    const single = yield* Layer.build(Layer.fresh(QQMini.layerStores).pipe(Layer.provide(limit(1))))
    yield* sandbox.fault({ kind: "code", code: 40001, endpoint: "auth.getAccessToken", times: 1 })
    assert.strictEqual((yield* Effect.flip(Effect.provide(check, single))).reason._tag, "WrongSecret")
    yield* TestClock.adjust("61 seconds")
    yield* Effect.provide(check, single)
    assert.strictEqual((yield* Effect.flip(Effect.provide(check, single))).reason._tag, "QuotaReached")
  }).pipe(Effect.scoped, Effect.provide(oneStore))
})

it.effect("callers of a program that waits for its token hold up no call of another", () =>
  Effect.gen(function* () {
    const sandbox = yield* Sandbox.Sandbox
    const other = App.use(check, second.appid)
    yield* other
    yield* sandbox.fault({ kind: "slowHeaders", endpoint: "auth.getAccessToken", delay: "10 seconds" })
    // more than may be on their way at once
    const waiting = yield* Effect.forEach(Array.from({ length: 100 }), () =>
      Effect.forkChild(check, { startImmediately: true })
    )
    const call = yield* Effect.forkChild(other, { startImmediately: true })
    yield* TestClock.adjust("1 second")
    assert.isDefined(call.pollUnsafe())
    yield* Fiber.interruptAll([call, ...waiting])
  }).pipe(Effect.provide(Sandbox.layer))
)
