/**
 * T9, crash-safe: a holder that dies, is frozen or is interrupted during its fetch blocks nobody longer than the lease.
 * Interrupting one caller never cancels the fetch that others wait for.
 */
import { assert, describe, it } from "@effect/vitest"
import * as AccessToken from "@qq-mini/core/AccessToken"
import * as QQMini from "@qq-mini/core/QQMini"
import * as TokenCache from "@qq-mini/core/TokenCache"
import * as Sandbox from "@qq-mini/sandbox/Sandbox"
import * as Transport from "@qq-mini/core/Transport"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { TestClock } from "effect/testing"
import { advanceInSteps, runFor } from "../support/clock.ts"
import {
  dropped,
  perInvocation,
  perRequest,
  requestClient,
  requestSettings,
  withWaitUntil
} from "../support/serverless.ts"
import { app, check, fetches, generationOf, platform, slotKey, tokensOnly } from "../support/token.ts"
import { away, faultyStore, lateStore, makeStore, requestClientWithoutStore } from "../support/tokenStores.ts"

describe("a caller that is interrupted", () => {
  it.effect("T9: an interrupted caller does not cancel the fetch that others wait for", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.Sandbox
      yield* sandbox.fault({ kind: "slowHeaders", endpoint: "auth.getAccessToken", delay: "3 seconds" })
      const one = yield* Effect.forkChild(check, { startImmediately: true })
      const others = yield* Effect.forEach([1, 2, 3], () => Effect.forkChild(check, { startImmediately: true }))
      yield* Fiber.interrupt(one)
      yield* TestClock.adjust("3 seconds")
      yield* Fiber.joinAll(others)
      assert.strictEqual(yield* fetches, 1)
    }).pipe(Effect.provide(Sandbox.layer))
  )

  it.effect(
    "T9: on a cloud function, the fetch ends with the last caller that waits for it, and so does its lease",
    () => {
      const { client } = faultyStore()
      return Effect.gen(function* () {
        const sandbox = yield* Sandbox.Sandbox
        const cache = yield* TokenCache.TokenCache
        const tokens = yield* AccessToken.AccessToken
        yield* sandbox.fault({ kind: "slowHeaders", endpoint: "auth.getAccessToken", delay: "1 hour", times: 9 })
        const callers = yield* Effect.forEach([1_000, 3_000], (within) =>
          Effect.forkChild(Effect.result(tokens.get(app, within)), { startImmediately: true })
        )
        yield* TestClock.adjust("2 seconds")
        assert.strictEqual((yield* Fiber.join(callers[0]!))._tag, "Failure")
        assert.isAbove((yield* cache.read(slotKey)).leasedFor, 0)
        yield* TestClock.adjust("1 second")
        assert.strictEqual((yield* Fiber.join(callers[1]!))._tag, "Failure")
        assert.strictEqual((yield* cache.read(slotKey)).leasedFor, 0)
        assert.strictEqual(yield* fetches, 1)
        // a later caller begins a new fetch
        yield* sandbox.heal
        yield* tokens.get(app, 1_000)
        assert.strictEqual(yield* fetches, 2)
      }).pipe(Effect.provide(client.pipe(Layer.provide(perInvocation))))
    }
  )

  it.effect("T9: on Workers, a fetch handed to waitUntil goes on when its caller is interrupted", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.Sandbox
      yield* sandbox.fault({ kind: "slowHeaders", endpoint: "auth.getAccessToken", delay: "3 seconds" })
      const work: Array<Promise<unknown>> = []
      const cancelled = yield* Effect.forkChild(withWaitUntil(work, check), { startImmediately: true })
      const staying = yield* Effect.forkChild(check, { startImmediately: true })
      yield* TestClock.adjust("1 second")
      yield* Fiber.interrupt(cancelled)
      yield* TestClock.adjust("3 seconds")
      assert.deepStrictEqual(yield* Fiber.join(staying), { risky: false })
      assert.lengthOf(work, 1)
      yield* Effect.promise(() => work[0]!)
      assert.strictEqual(yield* fetches, 1)
    }).pipe(Effect.provide(requestClient))
  )

  it.effect("T9: a caller interrupted before the store has answered its lease request leaves no lease behind", () =>
    Effect.gen(function* () {
      const { memory, tokens } = yield* lateStore(() => Effect.void, Effect.never)
      const cancelled = yield* Effect.forkChild(tokens.get(app, 10_000), { startImmediately: true })
      assert.isAbove((yield* memory.read(slotKey)).leasedFor, 0)
      yield* Fiber.interrupt(cancelled)
      assert.strictEqual((yield* memory.read(slotKey)).leasedFor, 0)
    }).pipe(Effect.scoped, Effect.provide(Layer.merge(perRequest, platform)))
  )
})

describe("a holder that fails, is frozen or is dropped", () => {
  it.effect("T9: a holder that fails gives the lease back", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.Sandbox
      yield* sandbox.fault({ kind: "code", code: 40036, endpoint: "auth.getAccessToken" })
      yield* Effect.flip(check)
      // the lease would last for 6 seconds; a refusal by QQ is remembered for 5
      yield* TestClock.adjust("5 seconds")
      yield* check
      assert.strictEqual(yield* fetches, 2)
    }).pipe(Effect.provide(Sandbox.layer))
  )

  it.effect("T9: a frozen holder blocks others no longer than the lease; T2: its late token is not stored", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.Sandbox
      const cache = yield* TokenCache.TokenCache
      const tokens = yield* AccessToken.AccessToken
      assert.isTrue(yield* cache.lease(slotKey, { owner: "frozen", generation: 0, ttl: 8_000 }))
      const waiting = yield* Effect.forkChild(tokens.get(app, 10_000), { startImmediately: true })
      const late = Redacted.make(yield* sandbox.stealToken())
      yield* advanceInSteps(7_000)
      assert.isUndefined(waiting.pollUnsafe())
      assert.strictEqual(yield* fetches, 0)
      yield* advanceInSteps(2_000)
      const token = yield* Fiber.join(waiting)
      assert.strictEqual(yield* fetches, 1)
      assert.isUndefined(
        yield* cache.write(slotKey, { owner: "frozen", generation: 0, token: late, ttl: 1_000, history: "" })
      )
      assert.strictEqual(generationOf(yield* tokens.get(app, 10_000)), generationOf(token))
      assert.match(slotKey, new RegExp(`^${app.appid}:\\w+$`))
      assert.notInclude(slotKey, Redacted.value(app.appsecret))
    }).pipe(Effect.provide(tokensOnly))
  )

  it.effect("T9: a request that the runtime drops during its fetch blocks others for the lease at the most", () => {
    let asked = 0
    // the first getToken is never answered, and nothing can interrupt it
    const firstGetTokenHangs = Layer.effect(
      Transport.Transport,
      Effect.map(Transport.Transport, ({ send }) => ({
        send: (request) =>
          request.path.includes("getToken") && asked++ === 0 ? Effect.uninterruptible(Effect.never) : send(request)
      }))
    )
    return Effect.gen(function* () {
      yield* dropped(check)
      yield* Effect.yieldNow
      const others = yield* runFor(
        "8 seconds",
        Effect.forEach(Array.from({ length: 20 }), () => check, { concurrency: "unbounded" })
      )
      assert.lengthOf(others, 20)
      assert.strictEqual(yield* fetches, 1)
    }).pipe(
      Effect.provide(
        QQMini.layer.pipe(
          Layer.provide(Layer.mergeAll(Sandbox.layerApps, perRequest, firstGetTokenHangs)),
          Layer.provideMerge(platform)
        )
      )
    )
  })
})

describe("requests on Workers while the store is away", () => {
  it.effect("T9: a cancelled request blocks nobody, and a dropped one not longer than one attempt takes", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.Sandbox
      yield* sandbox.fault({ kind: "slowHeaders", endpoint: "auth.getAccessToken", delay: "1 minute", times: 2 })
      const cancelled = yield* Effect.forkChild(check, { startImmediately: true })
      yield* TestClock.adjust("500 millis")
      yield* Fiber.interrupt(cancelled)
      yield* dropped(check)
      yield* TestClock.adjust("500 millis")
      // the second request did not wait for the cancelled one
      assert.strictEqual(yield* fetches, 2)
      assert.deepStrictEqual(yield* runFor("6 seconds", check), { risky: false })
      assert.strictEqual(yield* fetches, 3)
    }).pipe(Effect.provide(requestClientWithoutStore(away())))
  )

  it.effect("T9: a cancelled request clears the way only if the fetch under way is its own", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.Sandbox
      yield* sandbox.fault({ kind: "slowHeaders", endpoint: "auth.getAccessToken", delay: "3 seconds", times: 9 })
      const store = yield* makeStore(() => ({ read: () => away() }))
      const tokens = yield* AccessToken.make.pipe(
        Effect.provideService(QQMini.Settings, { ...requestSettings, attemptTimeout: 2_000 }),
        Effect.provideService(TokenCache.TokenCache, store)
      )
      const get = tokens.get(app, 10_000)
      const cancelled = yield* Effect.forkChild(get, { startImmediately: true })
      // its attempt has timed out, so that another request may fetch
      yield* TestClock.adjust("2100 millis")
      yield* Effect.forkChild(get, { startImmediately: true })
      yield* TestClock.adjust("500 millis")
      yield* Fiber.interrupt(cancelled)
      const before = yield* fetches
      yield* Effect.forkChild(get, { startImmediately: true })
      yield* TestClock.adjust("500 millis")
      assert.strictEqual(yield* fetches, before)
    }).pipe(Effect.scoped, Effect.provide(platform))
  )
})
