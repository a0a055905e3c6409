/**
 * T6, a store may die: with the store unreachable, running processes go on with the token they have, fetches stay within a
 * budget, and nothing loops. When the store returns, the processes agree on one token again.
 */
import { assert, describe, it } from "@effect/vitest"
import * as AccessToken from "@qq-mini/core/AccessToken"
import * as Auth from "@qq-mini/core/Auth"
import { InvalidConfig } from "@qq-mini/core/QQError"
import * as QQMini from "@qq-mini/core/QQMini"
import * as Quota from "@qq-mini/core/Quota"
import * as TokenCache from "@qq-mini/core/TokenCache"
import * as Sandbox from "@qq-mini/sandbox/Sandbox"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { TestClock } from "effect/testing"
import { advanceInSteps, runFor, runUntilDone } from "../support/clock.ts"
import { dropped, perInvocation, perRequest } from "../support/serverless.ts"
import { app, check, fetches, newClient, platform, recordEvents, slotKey, tokensOnly } from "../support/token.ts"
import {
  away,
  faultyStore,
  layerStore,
  lateStore,
  makeStore,
  requestClientWithoutStore
} from "../support/tokenStores.ts"

describe("a store that is away", () => {
  it.effect(
    "T6: a process goes on, fetches three times in 10 minutes at the most, and shares its token afterwards",
    () => {
      const { client, faults } = faultyStore()
      return Effect.gen(function* () {
        const sandbox = yield* Sandbox.Sandbox
        const seen = yield* recordEvents
        yield* check
        faults.away = true
        yield* TestClock.adjust("116 minutes")
        // the renewal ahead of the end waits for the store, since the token is still good
        for (let i = 0; i < 100; i++) assert.strictEqual((yield* runUntilDone(check))._tag, "Success")
        assert.strictEqual(yield* fetches, 1)
        for (let death = 1; death <= 3; death++) {
          yield* sandbox.revokeTokens()
          assert.strictEqual((yield* runUntilDone(check))._tag, "Success")
          assert.strictEqual(yield* fetches, 1 + death)
        }
        yield* sandbox.revokeTokens()
        for (let i = 0; i < 20; i++) {
          const result = yield* runUntilDone(check)
          assert.strictEqual(result._tag === "Failure" && result.failure.reason._tag, "StoreFailed")
        }
        assert.strictEqual(yield* fetches, 4)
        yield* TestClock.adjust("10 minutes")
        assert.strictEqual((yield* runUntilDone(check))._tag, "Success")
        faults.away = false
        yield* TestClock.adjust("1 minute")
        // the token fetched without the store is in the store now, so another client finds it
        yield* Effect.provide(check, yield* newClient)
        assert.strictEqual(yield* fetches, 5)
        assert.deepStrictEqual(
          seen.map(({ _tag }) => _tag).filter((tag) => tag.startsWith("Store")),
          ["StoreLost", "StoreBack"]
        )
      }).pipe(Effect.scoped, Effect.provide(client))
    }
  )

  it.effect("T6: a store that is back after 300 ms was never lost: a cold process finds its token there", () => {
    const { client, faults } = faultyStore()
    return Effect.gen(function* () {
      yield* check
      const cold = yield* newClient
      const seen = yield* Effect.provide(recordEvents, cold)
      faults.away = true
      const fiber = yield* Effect.forkChild(Effect.provide(check, cold), { startImmediately: true })
      yield* advanceInSteps(300)
      faults.away = false
      yield* advanceInSteps(1_000)
      yield* Fiber.join(fiber)
      assert.strictEqual(yield* fetches, 1)
      assert.deepStrictEqual(seen, [])
    }).pipe(Effect.scoped, Effect.provide(client))
  })

  it.effect("T6: a getToken that certainly made no token does not count against the budget", () => {
    const { client, faults } = faultyStore()
    return Effect.gen(function* () {
      const sandbox = yield* Sandbox.Sandbox
      faults.away = true
      yield* sandbox.fault({ kind: "code", code: -1, endpoint: "auth.getAccessToken", times: 1_000 })
      for (let i = 0; i < 5; i++) {
        const result = yield* runUntilDone(check)
        assert.strictEqual(result._tag === "Failure" && result.failure.reason._tag, "SystemBusy")
      }
      yield* sandbox.heal
      assert.strictEqual((yield* runUntilDone(check))._tag, "Success")
    }).pipe(Effect.provide(client))
  })

  it.effect("T6: cache: false gets its token, also when it joins a renewal that gives up for want of the store", () => {
    const { client, faults } = faultyStore()
    return Effect.gen(function* () {
      yield* check
      yield* TestClock.adjust("116 minutes")
      faults.away = true
      yield* check
      assert.strictEqual((yield* runUntilDone(Auth.getAccessToken({ cache: false })))._tag, "Success")
      assert.strictEqual(yield* fetches, 2)
    }).pipe(Effect.provide(client))
  })

  it.effect("T6: a token is kept when the answer to its write is lost and then the store goes away", () => {
    const { client, faults } = faultyStore()
    return Effect.gen(function* () {
      const sandbox = yield* Sandbox.Sandbox
      yield* check
      // the write is done and not answered; repeated, it is refused, and that is the store's last answer
      faults.loseWriteAnswers = 1
      faults.awayAfterRefusedWrite = true
      yield* sandbox.revokeTokens()
      assert.strictEqual((yield* runUntilDone(check))._tag, "Success")
      assert.strictEqual(yield* fetches, 2)
    }).pipe(Effect.provide(client))
  })

  it.effect(
    "T6: on a cloud function, calls bring the token that was fetched alone into the store when it is back",
    () => {
      const { client, faults } = faultyStore()
      return Effect.gen(function* () {
        const cache = yield* TokenCache.TokenCache
        faults.away = true
        assert.strictEqual((yield* runUntilDone(check))._tag, "Success")
        faults.away = false
        // nothing runs between calls
        yield* TestClock.adjust("10 minutes")
        assert.isUndefined((yield* cache.read(slotKey)).token)
        yield* check
        assert.isDefined((yield* cache.read(slotKey)).token)
        for (let i = 0; i < 10; i++) {
          yield* TestClock.adjust("10 seconds")
          yield* check
        }
        assert.strictEqual(yield* fetches, 1)
      }).pipe(Effect.provide(client.pipe(Layer.provide(perInvocation))))
    }
  )
})

it.effect("T6: a cloud function whose store hangs gets its first token before its deadline of 4 seconds", () =>
  Effect.gen(function* () {
    assert.deepStrictEqual(yield* runFor("4 seconds", check), { risky: false })
  }).pipe(
    Effect.provide(
      QQMini.layerStores.pipe(
        Layer.provide(Layer.merge(Quota.layerMemory, Sandbox.layerApps)),
        Layer.provide(layerStore(() => ({ read: () => Effect.never }))),
        Layer.provide(
          Layer.succeed(QQMini.Settings, { ...QQMini.Settings.defaultValue(), runs: "invocation", deadline: 4_000 })
        ),
        Layer.provideMerge(platform)
      )
    )
  )
)

describe("a store that fails in part", () => {
  it.effect("T6: a store that lost its content has the token again from whoever renews, and no call fails", () => {
    const { client, lose } = faultyStore()
    return Effect.gen(function* () {
      yield* check
      yield* lose
      for (let minute = 0; minute < 130; minute++) {
        yield* check
        yield* TestClock.adjust("1 minute")
      }
      assert.strictEqual(yield* fetches, 2)
    }).pipe(Effect.provide(client))
  })

  it.effect("T6: a store that can be read and not written is reported lost once, and back once", () => {
    const { client, faults } = faultyStore()
    return Effect.gen(function* () {
      const sandbox = yield* Sandbox.Sandbox
      const cache = yield* TokenCache.TokenCache
      const seen = yield* recordEvents
      faults.readOnly = true
      for (let i = 0; i < 3; i++) {
        assert.strictEqual((yield* runUntilDone(check))._tag, "Success")
        yield* TestClock.adjust("3 minutes")
        yield* sandbox.revokeTokens()
      }
      assert.isUndefined((yield* cache.read(slotKey)).token)
      faults.readOnly = false
      assert.strictEqual((yield* runUntilDone(check))._tag, "Success")
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(
        seen.map(({ _tag }) => _tag).filter((tag) => tag.startsWith("Store")),
        ["StoreLost", "StoreBack"]
      )
    }).pipe(Effect.provide(client))
  })

  it.effect("T6: a token that can't be written is used all the same", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.Sandbox
      for (let i = 0; i < 20; i++) yield* runFor("1 second", check)
      assert.strictEqual(yield* fetches, 1)
      yield* sandbox.revokeTokens()
      yield* runFor("1 second", check)
      assert.strictEqual(yield* fetches, 2)
    }).pipe(
      Effect.provide(
        QQMini.layerStores.pipe(
          Layer.provide(Quota.layerMemory),
          Layer.provide(
            layerStore(() => ({
              write: () => Effect.fail(new TokenCache.TokenCacheError({ operation: "write", problem: "full" }))
            }))
          ),
          Layer.provide(Sandbox.layerApps),
          Layer.provideMerge(platform)
        )
      )
    )
  )

  it.effect("T6: wrong settings are no outage: the call fails with InvalidConfig, and nothing is fetched", () =>
    Effect.gen(function* () {
      const config = new InvalidConfig({ setting: "store", problem: { en: "is wrong", zh: "错误" } })
      const wrongPassword = new TokenCache.TokenCacheError({ operation: "read", problem: "WRONGPASS", config })
      const store = yield* makeStore(() => ({ read: () => Effect.fail(wrongPassword) }))
      const tokens = yield* Effect.provideService(AccessToken.make, TokenCache.TokenCache, store)
      const error = yield* runFor("1 second", Effect.flip(tokens.get(app, 10_000)))
      assert.strictEqual(error._tag, "InvalidConfig")
      assert.strictEqual(yield* fetches, 0)
    }).pipe(Effect.scoped, Effect.provide(tokensOnly))
  )
})

describe("requests on Workers while the store is away", () => {
  it.effect("T6: a request without a token takes the one that another request got while it read the store", () =>
    Effect.gen(function* () {
      const fibers = []
      for (let i = 0; i < 5; i++) {
        fibers.push(yield* Effect.forkChild(check, { startImmediately: true }))
        yield* TestClock.adjust("500 millis")
      }
      yield* TestClock.adjust("10 seconds")
      for (const fiber of fibers) assert.deepStrictEqual(yield* Fiber.join(fiber), { risky: false })
      assert.strictEqual(yield* fetches, 1)
    }).pipe(Effect.provide(requestClientWithoutStore(Effect.delay(away(), "900 millis"))))
  )

  it.effect("T6: requests that are cancelled during their getToken count against the budget", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.Sandbox
      yield* sandbox.fault({ kind: "slowHeaders", endpoint: "auth.getAccessToken", delay: "3 seconds", times: 99 })
      for (let i = 0; i < 10; i++) {
        const cancelled = yield* Effect.forkChild(Effect.exit(check), { startImmediately: true })
        yield* TestClock.adjust("1 second")
        yield* Fiber.interrupt(cancelled)
      }
      assert.strictEqual(yield* fetches, 3)
    }).pipe(Effect.provide(requestClientWithoutStore(away())))
  )

  it.effect(
    "T6: when a request is dropped while it looks whether the store is back, the next one stores the token",
    () =>
      Effect.gen(function* () {
        let beforeAnswer: Effect.Effect<void, TokenCache.TokenCacheError> = away()
        const { memory, tokens } = yield* lateStore(() => beforeAnswer)
        const get = tokens.get(app, 10_000)
        const { value } = yield* runFor("1 second", get)
        beforeAnswer = Effect.uninterruptible(Effect.never)
        yield* dropped(get)
        beforeAnswer = Effect.void
        assert.isUndefined((yield* memory.read(slotKey)).token)
        yield* TestClock.adjust("1 second")
        yield* get
        assert.strictEqual(Redacted.value((yield* memory.read(slotKey)).token!), Redacted.value(value))
        assert.strictEqual(yield* fetches, 1)
      }).pipe(Effect.scoped, Effect.provide(Layer.merge(perRequest, platform)))
  )
})
