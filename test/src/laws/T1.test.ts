/**
 * T1, one fetch: however many callers, fibers, processes or machines share a store, one token lifetime costs one getToken.
 */
import { assert, describe, it } from "@effect/vitest"
import * as AccessToken from "@qq-mini/core/AccessToken"
import * as Auth from "@qq-mini/core/Auth"
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
import { requestClient } from "../support/serverless.ts"
import {
  app,
  check,
  fetches,
  generationOf,
  messageTo,
  newClient,
  oneStore,
  tokensOnly,
  untilFetched
} from "../support/token.ts"
import { away, faultyStore, makeStore, tokensOn } from "../support/tokenStores.ts"

describe("one client", () => {
  it.effect("T1: 10,000 callers on a cold client cost 1 getToken; T4: when the token is revoked, 1 more", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.Sandbox
      const users = yield* Effect.forEach(Array.from({ length: 10_000 }), (_, i) =>
        Effect.tap(sandbox.login({ user: `user ${i}` }), ({ openid }) => sandbox.subscribe({ openid, times: 2 }))
      )
      const sendAll = Effect.forEach(users, ({ openid }) => messageTo(openid), {
        concurrency: "unbounded",
        discard: true
      })
      yield* sendAll
      assert.strictEqual(yield* fetches, 1)
      yield* TestClock.adjust("1 day")
      yield* check
      assert.strictEqual(yield* fetches, 2)
      yield* sandbox.revokeTokens()
      yield* sendAll
      assert.strictEqual(yield* fetches, 3)
      const sent = (yield* sandbox.log).filter((e) => e.endpoint === "subscribeMessage.send" && e.code === 0)
      assert.strictEqual(sent.length, 20_000)
    }).pipe(Effect.provide(Sandbox.layer))
  )

  it.effect("T1: callers that ask with cache: false at the same time share one new token", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.Sandbox
      yield* check
      yield* sandbox.fault({ kind: "slowHeaders", endpoint: "auth.getAccessToken", delay: "1 second" })
      const fibers = yield* Effect.forEach(Array.from({ length: 50 }), () =>
        Effect.forkChild(Auth.getAccessToken({ cache: false }))
      )
      yield* TestClock.adjust("1 second")
      const tokens = yield* Fiber.joinAll(fibers)
      assert.strictEqual(new Set(tokens.map(Redacted.value)).size, 1)
      assert.strictEqual(yield* fetches, 2)
    }).pipe(Effect.provide(Sandbox.layer))
  )

  it.effect("T1: renewAhead without a token yet costs one getToken", () =>
    Effect.gen(function* () {
      const tokens = yield* AccessToken.make
      yield* tokens.renewAhead(app, 10_000)
      assert.strictEqual(yield* fetches, 1)
    }).pipe(Effect.scoped, Effect.provide(tokensOnly))
  )

  it.effect("T1: requests on Workers, 100 at once, cost 1 getToken; when the token is revoked, 1 more", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.Sandbox
      const all = Effect.forEach(Array.from({ length: 100 }), () => check, { concurrency: "unbounded" })
      yield* runFor("10 seconds", all)
      assert.strictEqual(yield* fetches, 1)
      yield* sandbox.revokeTokens()
      yield* runFor("10 seconds", all)
      assert.strictEqual(yield* fetches, 2)
    }).pipe(Effect.provide(requestClient))
  )
})

describe("several clients of one store", () => {
  it.effect("T1: four clients fetch one token in all", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.Sandbox
      const client = QQMini.layerNoDeps.pipe(
        Layer.provide(AccessToken.layer),
        Layer.provide(Quota.layerMemory),
        Layer.fresh
      )
      const calls = Effect.all(
        Array.from({ length: 50 }, () => check),
        { concurrency: "unbounded" }
      )
      const run = Effect.provide(calls, client, { local: true })
      yield* sandbox.fault({ kind: "slowHeaders", endpoint: "auth.getAccessToken", delay: "1 second" })
      const all = yield* Effect.forkChild(Effect.all([run, run, run, run], { concurrency: "unbounded" }))
      yield* advanceInSteps(3_000)
      yield* Fiber.join(all)
      assert.strictEqual(yield* fetches, 1)
    }).pipe(Effect.provide(oneStore))
  )

  it.effect("T1: four clients for 24 hours: one getToken for each lifetime, and no call fails", () =>
    Effect.gen(function* () {
      const clients = yield* Effect.all([newClient, newClient, newClient, newClient], { concurrency: 4 })
      const round = Effect.forEach(clients, (client) => Effect.provide(check, client), { concurrency: "unbounded" })
      for (let minute = 0; minute < 24 * 60; minute++) {
        // clients that wait for another one's fetch poll the store, so the clock has to move
        yield* runFor("1 second", round)
        yield* TestClock.adjust("59 seconds")
      }
      // a lifetime is 2 hours less the 5 minutes by which renewal begins ahead
      assert.strictEqual(yield* fetches, Math.ceil((24 * 60) / 115))
    }).pipe(Effect.scoped, Effect.provide(oneStore))
  )

  it.effect("T1, T9: a holder whose fetch takes longer than the lease keeps it, because it extends it", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.Sandbox
      const [a, b] = [yield* AccessToken.make, yield* AccessToken.make]
      yield* sandbox.fault({ kind: "slowHeaders", endpoint: "auth.getAccessToken", times: 1, delay: "9 seconds" })
      const one = yield* Effect.forkChild(a.get(app, 14_000), { startImmediately: true })
      const other = yield* Effect.forkChild(b.get(app, 14_000), { startImmediately: true })
      yield* advanceInSteps(14_000)
      assert.strictEqual(generationOf(yield* Fiber.join(one)), generationOf(yield* Fiber.join(other)))
      assert.strictEqual(yield* fetches, 1)
    }).pipe(
      Effect.scoped,
      Effect.provide(tokensOnly),
      Effect.provideService(QQMini.Settings, { ...QQMini.Settings.defaultValue(), attemptTimeout: 14_000 })
    )
  )

  it.effect("T1: a holder whose store does not answer asks again only while its lease lasts", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.Sandbox
      let leases = 0
      const memory = yield* TokenCache.makeMemory
      const silent = TokenCache.TokenCache.of({
        ...memory,
        // after the lease and its comparison before the first request
        lease: (key, options) => (++leases <= 2 ? memory.lease(key, options) : away("lease"))
      })
      const [tokens, other] = [yield* tokensOn(silent), yield* tokensOn(memory)]
      yield* sandbox.fault({ kind: "slowHeaders", endpoint: "auth.getAccessToken", times: 1 })
      const one = yield* Effect.forkChild(tokens.get(app, 14_000), { startImmediately: true })
      yield* untilFetched(1)
      const two = yield* Effect.forkChild(other.get(app, 14_000), { startImmediately: true })
      yield* advanceInSteps(14_000)
      assert.strictEqual(generationOf(yield* Fiber.join(one)), generationOf(yield* Fiber.join(two)))
      // the one that got lost, and the other holder's
      assert.strictEqual(yield* fetches, 2)
    }).pipe(
      Effect.scoped,
      Effect.provide(tokensOnly),
      // longer than the lease
      Effect.provideService(QQMini.Settings, { ...QQMini.Settings.defaultValue(), attemptTimeout: 7_000 })
    )
  )
})

describe("a store that does not take the token", () => {
  it.effect("T1: a store that refuses every write costs no second getToken", () =>
    Effect.gen(function* () {
      const refusing = yield* makeStore(() => ({ write: () => Effect.undefined }))
      const tokens = yield* Effect.provideService(AccessToken.make, TokenCache.TokenCache, refusing)
      for (let i = 0; i < 5; i++) yield* tokens.get(app, 10_000)
      assert.strictEqual(yield* fetches, 1)
    }).pipe(Effect.scoped, Effect.provide(tokensOnly))
  )

  it.effect("T1: cache: false costs one getToken, also when the store's answer to the write is lost", () => {
    const { client, faults } = faultyStore()
    return Effect.gen(function* () {
      yield* check
      faults.loseWriteAnswers = 1
      assert.strictEqual((yield* runUntilDone(Auth.getAccessToken({ cache: false })))._tag, "Success")
      assert.strictEqual(yield* fetches, 2)
    }).pipe(Effect.provide(client))
  })
})
