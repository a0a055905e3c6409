/**
 * T8, renew ahead: near the end of a token's life one holder renews while all others keep using the old token, which QQ
 * honours for minutes. Where nothing may run after the answer (serverless), one caller waits for the renewal.
 */
import { assert, describe, it } from "@effect/vitest"
import * as AccessToken from "@qq-mini/core/AccessToken"
import * as Sandbox from "@qq-mini/sandbox/Sandbox"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { TestClock } from "effect/testing"
import { invocationClient, requestClient, withWaitUntil } from "../support/serverless.ts"
import { app, check, fetches, generationOf, tokensOnly, untilFetched } from "../support/token.ts"

// a token lives 120 minutes, and its renewal begins 5 minutes before the end
const untilRenewal = "116 minutes"

describe("a process", () => {
  it.effect("T8: near the end one caller renews while all go on with the old token", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.Sandbox
      yield* check
      yield* TestClock.adjust(untilRenewal)
      yield* sandbox.fault({ kind: "slowHeaders", endpoint: "auth.getAccessToken", delay: "3 seconds" })
      // nobody waits: 100 calls are answered while the clock stands still
      yield* Effect.all(
        Array.from({ length: 100 }, () => check),
        { concurrency: "unbounded" }
      )
      yield* TestClock.adjust("3 seconds")
      yield* check
      assert.strictEqual(yield* fetches, 2)
      yield* TestClock.adjust("10 minutes")
      yield* check
      assert.strictEqual(yield* fetches, 2)
    }).pipe(Effect.provide(Sandbox.layer))
  )

  it.effect("T8: a renewal that fails fails no call, and is tried again a little later", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.Sandbox
      yield* check
      yield* TestClock.adjust(untilRenewal)
      yield* sandbox.fault({ kind: "code", code: -1, endpoint: "auth.getAccessToken", during: "20 seconds" })
      for (let second = 0; second < 60; second++) {
        yield* check
        yield* TestClock.adjust("1 second")
      }
      // the first token, one renewal of three attempts, and the one that went well
      assert.strictEqual(yield* fetches, 1 + 3 + 1)
    }).pipe(Effect.provide(Sandbox.layer))
  )
})

describe("where nothing may run after the answer", () => {
  it.effect("T8: where nothing may run after the answer, one caller waits for the renewal", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.Sandbox
      yield* check
      yield* TestClock.adjust(untilRenewal)
      yield* sandbox.fault({ kind: "slowHeaders", endpoint: "auth.getAccessToken", delay: "3 seconds" })
      const one = yield* Effect.forkChild(check, { startImmediately: true })
      yield* check
      assert.isUndefined(one.pollUnsafe())
      yield* TestClock.adjust("3 seconds")
      yield* Fiber.join(one)
      assert.strictEqual(yield* fetches, 2)
    }).pipe(Effect.provide(invocationClient))
  )

  it.effect("T8: who waits for a renewal waits 2 seconds at the most, and goes on with the old token", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.Sandbox
      yield* check
      yield* TestClock.adjust(untilRenewal)
      yield* sandbox.fault({ kind: "slowHeaders", endpoint: "auth.getAccessToken", delay: "1 hour", times: 9 })
      const one = yield* Effect.forkChild(check, { startImmediately: true })
      assert.isUndefined(one.pollUnsafe())
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(yield* Fiber.join(one), { risky: false })
    }).pipe(Effect.provide(invocationClient))
  )
})

describe("where the runtime has a waitUntil", () => {
  it.effect("T8: one of many requests on Workers renews, and none of them waits for it", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.Sandbox
      yield* check
      yield* TestClock.adjust(untilRenewal)
      yield* sandbox.fault({ kind: "slowHeaders", endpoint: "auth.getAccessToken", delay: "1 second" })
      const work: Array<Promise<unknown>> = []
      const request = withWaitUntil(work, check)
      // they are answered while the clock stands still
      yield* Effect.forEach(Array.from({ length: 20 }), () => request, { concurrency: "unbounded" })
      assert.lengthOf(work, 1)
      yield* untilFetched(2)
      assert.strictEqual(yield* fetches, 2)
      yield* TestClock.adjust("1 second")
      yield* Effect.promise(() => work[0]!)
      yield* request
      assert.lengthOf(work, 1)
      assert.strictEqual(yield* fetches, 2)
    }).pipe(Effect.provide(requestClient))
  )

  it.effect("T8: where calls share their fetches, waitUntil gets the renewal too", () =>
    Effect.gen(function* () {
      yield* check
      yield* TestClock.adjust(untilRenewal)
      const work: Array<Promise<unknown>> = []
      yield* Effect.forEach(Array.from({ length: 20 }), () => withWaitUntil(work, check), { concurrency: "unbounded" })
      assert.lengthOf(work, 1)
      yield* Effect.promise(() => work[0]!)
      assert.strictEqual(yield* fetches, 2)
    }).pipe(Effect.provide(Sandbox.layer))
  )
})

it.effect("T8, T2: renewAhead gives another token while the old one stays good, and takes a newer stored one", () =>
  Effect.gen(function* () {
    const one = yield* AccessToken.make
    const other = yield* AccessToken.make
    const present = yield* one.get(app, 10_000)
    const renewed = yield* one.renewAhead(app, 10_000)
    assert.notStrictEqual(generationOf(renewed), generationOf(present))
    assert.strictEqual(yield* fetches, 2)
    // a client without a token takes the stored one, and then renews that
    const newest = yield* other.renewAhead(app, 10_000)
    assert.isAbove(generationOf(newest)!, generationOf(renewed)!)
    assert.strictEqual(yield* fetches, 3)
    // the first client finds the newer token in the store
    assert.isAbove(generationOf(yield* one.renewAhead(app, 10_000))!, generationOf(renewed)!)
  }).pipe(Effect.scoped, Effect.provide(tokensOnly))
)
