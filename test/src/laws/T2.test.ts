/** T2, no old over new: a late, slow or crashed holder never overwrites a newer token. */
import { assert, describe, it } from "@effect/vitest"
import * as AccessToken from "@qq-mini/core/AccessToken"
import * as Auth from "@qq-mini/core/Auth"
import * as TokenCache from "@qq-mini/core/TokenCache"
import * as Sandbox from "@qq-mini/sandbox/Sandbox"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { TestClock } from "effect/testing"
import { runFor, runUntilDone } from "../support/clock.ts"
import { perRequest } from "../support/serverless.ts"
import { app, check, generationOf, platform, slotKey, valueOf } from "../support/token.ts"
import { away, faultyStore, lateStore } from "../support/tokenStores.ts"

const onWorkers = Layer.merge(perRequest, platform)

describe("a read of the store that is answered late", () => {
  it.effect("T2: a late read does not replace a token that another call got meanwhile", () =>
    Effect.gen(function* () {
      let beforeAnswer: Effect.Effect<void> = Effect.void
      const { other, tokens } = yield* lateStore(() => beforeAnswer)
      const stored = yield* other.get(app, 10_000)
      beforeAnswer = Effect.sleep("1 second")
      const late = yield* Effect.forkChild(tokens.get(app, 10_000), { startImmediately: true })
      beforeAnswer = Effect.void
      const renewed = yield* tokens.renewAhead(app, 10_000)
      assert.notStrictEqual(generationOf(renewed), generationOf(stored))
      yield* TestClock.adjust("1 second")
      assert.strictEqual(generationOf(yield* Fiber.join(late)), generationOf(renewed))
      assert.strictEqual(generationOf(yield* tokens.get(app, 10_000)), generationOf(renewed))
    }).pipe(Effect.scoped, Effect.provide(onWorkers))
  )

  it.effect("T2: a late read does not replace a token that was fetched without the store", () =>
    Effect.gen(function* () {
      let beforeAnswer: Effect.Effect<void, TokenCache.TokenCacheError> = Effect.void
      const { other, tokens } = yield* lateStore(() => beforeAnswer)
      yield* other.get(app, 10_000)
      beforeAnswer = Effect.sleep("1500 millis")
      const late = yield* Effect.forkChild(tokens.get(app, 10_000), { startImmediately: true })
      beforeAnswer = away()
      const alone = yield* runFor("1 second", tokens.get(app, 10_000))
      assert.strictEqual(alone.origin._tag, "Unstored")
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual(valueOf(yield* Fiber.join(late)), valueOf(alone))
      assert.strictEqual(valueOf(yield* runFor("1 second", tokens.get(app, 10_000))), valueOf(alone))
    }).pipe(Effect.scoped, Effect.provide(onWorkers))
  )

  it.effect("T2: after an outage a late read brings no older token back, and no call waits long for it", () =>
    Effect.gen(function* () {
      let beforeAnswer: Effect.Effect<void, TokenCache.TokenCacheError> = away()
      const { memory, other, tokens } = yield* lateStore(() => beforeAnswer)
      const alone = yield* runFor("1 second", tokens.get(app, 10_000))
      // the store is back with another client's token, and the read that would find it is slow
      yield* other.get(app, 10_000)
      beforeAnswer = Effect.sleep("1900 millis")
      assert.strictEqual(valueOf(yield* runFor("1 second", tokens.get(app, 2_000))), valueOf(alone))
      // a newer token is fetched before that read is answered
      beforeAnswer = Effect.void
      const renewed = yield* tokens.refresh(app, 10_000)
      yield* TestClock.adjust("2 seconds")
      // the outage is over: the next call has its token without the store
      beforeAnswer = Effect.never
      assert.strictEqual(generationOf(yield* tokens.get(app, 10_000)), generationOf(renewed))
      assert.strictEqual((yield* memory.read(slotKey)).generation, generationOf(renewed))
    }).pipe(Effect.scoped, Effect.provide(onWorkers))
  )
})

describe("a token that was fetched without the store", () => {
  it.effect(
    "T2: a token fetched alone is not stored after a newer one, though that one died and the slot is empty",
    () => {
      const { client, faults } = faultyStore()
      return Effect.gen(function* () {
        const sandbox = yield* Sandbox.Sandbox
        const cache = yield* TokenCache.TokenCache
        faults.away = true
        assert.strictEqual((yield* runUntilDone(check))._tag, "Success")
        const alone = Redacted.value(yield* Auth.getAccessToken())
        // another client stores a newer token, and QQ refuses it
        yield* TestClock.adjust("300 millis")
        faults.away = false
        const other = yield* AccessToken.make
        const newer = yield* other.refresh(app, 10_000)
        yield* sandbox.fault({ kind: "code", code: 40036, endpoint: "auth.getAccessToken", times: 100 })
        yield* Effect.flip(other.renew(app, newer, 10_000))
        yield* TestClock.adjust("1 minute")
        const slot = yield* cache.read(slotKey)
        assert.isTrue(slot.token === undefined || Redacted.value(slot.token) !== alone)
      }).pipe(Effect.scoped, Effect.provide(client))
    }
  )
})
