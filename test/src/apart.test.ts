/** Calls that are each by themselves, as on runtimes that may forget one request while others go on. */
import { assert, describe, it } from "@effect/vitest"
import * as AccessToken from "@qq-mini/core/AccessToken"
import * as App from "@qq-mini/core/App"
import { InvalidConfig } from "@qq-mini/core/QQError"
import * as QQMini from "@qq-mini/core/QQMini"
import * as Quota from "@qq-mini/core/Quota"
import * as Security from "@qq-mini/core/Security"
import * as TokenCache from "@qq-mini/core/TokenCache"
import * as Sandbox from "@qq-mini/sandbox/Sandbox"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import { TestClock } from "effect/testing"
import { first } from "./support.ts"

const fetches = Effect.flatMap(Sandbox.Sandbox, (sandbox) => sandbox.count("auth.getAccessToken"))
const check = Security.msgSecCheck({ content: "x" })
const app = { appid: first.appid, appsecret: App.redact(first.appsecret) }

const settings = Layer.succeed(QQMini.Settings, {
  ...QQMini.Settings.defaultValue(),
  renewal: "awaited",
  flights: "own",
  maxInFlight: Infinity
})

/** Begins an effect whose timers never fire, as those of a request that its runtime forgot. */
const forgotten = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.flatMap(Clock.Clock, (clock) =>
    Effect.forkDetach(
      Effect.provideService(effect, Clock.Clock, Object.create(clock, { sleep: { value: () => Effect.never } })),
      { startImmediately: true }
    )
  )

/** A platform whose first answer to getToken never comes, and whose request nothing ends. */
const forgetful = Layer.effect(
  HttpClient.HttpClient,
  Effect.map(HttpClient.HttpClient, (client) => {
    let asked = 0
    return HttpClient.transform(client, (effect, request) =>
      request.url.includes("getToken") && asked++ === 0 ? Effect.uninterruptible(Effect.never) : effect
    )
  })
).pipe(Layer.provide(Sandbox.layerHttpClient))

const client = QQMini.layer.pipe(Layer.provide(Layer.merge(Sandbox.layerApps, settings)))

describe("calls that are each by themselves", () => {
  it.effect("T1: 100 at once, cold: 1 getToken; revoked: 1 more", () =>
    Effect.gen(function* () {
      const all = Effect.forEach(Array.from({ length: 100 }), () => check, { concurrency: "unbounded" })
      const cold = yield* Effect.forkChild(all)
      yield* TestClock.adjust("10 seconds")
      yield* Fiber.join(cold)
      assert.strictEqual(yield* fetches, 1)
      yield* Effect.flatMap(Sandbox.Sandbox, (sandbox) => sandbox.revokeTokens())
      const revoked = yield* Effect.forkChild(all)
      yield* TestClock.adjust("10 seconds")
      yield* Fiber.join(revoked)
      assert.strictEqual(yield* fetches, 2)
    }).pipe(
      Effect.provide(client.pipe(Layer.provide(Sandbox.layerHttpClient), Layer.provideMerge(Sandbox.layerPlatform())))
    )
  )

  it.effect("T9: one that is forgotten in its fetch holds the others up for the lease, and no longer", () =>
    Effect.gen(function* () {
      yield* forgotten(check)
      yield* Effect.yieldNow
      const others = yield* Effect.forkChild(
        Effect.forEach(Array.from({ length: 20 }), () => check, { concurrency: "unbounded" }),
        { startImmediately: true }
      )
      yield* TestClock.adjust("8 seconds")
      assert.lengthOf(yield* Fiber.join(others), 20)
      assert.strictEqual(yield* fetches, 1)
    }).pipe(Effect.provide(client.pipe(Layer.provide(forgetful), Layer.provideMerge(Sandbox.layerPlatform()))))
  )

  it.effect(
    "T8: one of them renews ahead of the end; where work may go on after the answer, it waits for nothing",
    () =>
      Effect.gen(function* () {
        const sandbox = yield* Sandbox.Sandbox
        yield* check
        yield* TestClock.adjust("116 minutes")
        yield* sandbox.fault({ kind: "slowHeaders", endpoint: "auth.getAccessToken", delay: "1 second" })
        const work: Array<Promise<unknown>> = []
        const handing = Effect.provideService(check, QQMini.WaitUntil, (one: Promise<unknown>) => void work.push(one))
        // none of them needs the clock to move
        yield* Effect.forEach(Array.from({ length: 20 }), () => handing, { concurrency: "unbounded" })
        assert.lengthOf(work, 1)
        assert.strictEqual(yield* fetches, 2)
        yield* TestClock.adjust("1 second")
        yield* Effect.promise(() => work[0]!)
        yield* handing
        assert.lengthOf(work, 1)
        assert.strictEqual(yield* fetches, 2)
      }).pipe(
        Effect.provide(client.pipe(Layer.provide(Sandbox.layerHttpClient), Layer.provideMerge(Sandbox.layerPlatform())))
      )
  )
})

describe("calls that are each by themselves, with the store away", () => {
  const lost = new TokenCache.TokenCacheError({ operation: "read", problem: "away" })
  const alone = (read: Effect.Effect<never, TokenCache.TokenCacheError>) =>
    QQMini.layerStores.pipe(
      Layer.provide(Quota.layerMemory),
      Layer.provide(
        Layer.effect(
          TokenCache.TokenCache,
          Effect.map(TokenCache.makeMemory, (cache) => TokenCache.TokenCache.of({ ...cache, read: () => read }))
        )
      ),
      Layer.provide(Layer.merge(Sandbox.layerApps, settings)),
      Layer.provide(Sandbox.layerHttpClient),
      Layer.provideMerge(Sandbox.layerPlatform())
    )

  it.effect("T5: a wrong secret costs one getToken", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.Sandbox
      yield* sandbox.fault({ kind: "code", code: 40001, endpoint: "auth.getAccessToken", times: 99 })
      const fiber = yield* Effect.forkChild(
        Effect.forEach(Array.from({ length: 50 }), () => Effect.flip(check), { concurrency: "unbounded" })
      )
      yield* TestClock.adjust("10 seconds")
      for (const { reason } of yield* Fiber.join(fiber)) assert.strictEqual(reason._tag, "WrongSecret")
      assert.strictEqual(yield* fetches, 1)
    }).pipe(Effect.provide(alone(Effect.fail(lost))))
  )

  it.effect("T6: a cold call takes the token that another got while it looked", () =>
    Effect.gen(function* () {
      const fibers = []
      for (let i = 0; i < 5; i++) {
        fibers.push(yield* Effect.forkChild(check, { startImmediately: true }))
        yield* TestClock.adjust("500 millis")
      }
      yield* TestClock.adjust("10 seconds")
      for (const fiber of fibers) assert.deepStrictEqual(yield* Fiber.join(fiber), { risky: false })
      assert.strictEqual(yield* fetches, 1)
    }).pipe(Effect.provide(alone(Effect.delay(Effect.fail(lost), "900 millis"))))
  )
})

it.effect("I2: a waitUntil that throws fails no call", () =>
  Effect.gen(function* () {
    yield* check
    yield* TestClock.adjust("116 minutes")
    const throwing = () => {
      throw new TypeError("Illegal invocation")
    }
    assert.deepStrictEqual(yield* Effect.provideService(check, QQMini.WaitUntil, throwing), { risky: false })
  }).pipe(
    Effect.provide(client.pipe(Layer.provide(Sandbox.layerHttpClient), Layer.provideMerge(Sandbox.layerPlatform())))
  )
)

const tokens = AccessToken.layer.pipe(
  Layer.provideMerge(TokenCache.layerMemory),
  Layer.provideMerge(Sandbox.layerHttpClient),
  Layer.provideMerge(Sandbox.layerPlatform())
)

describe("a renewal by the clock", () => {
  it.effect(
    "T2, T8: gives another token while the present one stays good, and one that somebody else fetched will do",
    () =>
      Effect.gen(function* () {
        const one = yield* AccessToken.make
        const other = yield* AccessToken.make
        const present = yield* one.get(app, 10_000)
        const renewed = yield* one.renewAhead(app, 10_000)
        assert.notStrictEqual(renewed.generation, present.generation)
        assert.strictEqual(yield* fetches, 2)
        // a holder that has none yet takes what is there, and then renews that
        assert.isAbove((yield* other.renewAhead(app, 10_000)).generation, renewed.generation)
        assert.strictEqual(yield* fetches, 3)
        // and the first hears of it when it looks
        assert.strictEqual((yield* one.renewAhead(app, 10_000)).generation > renewed.generation, true)
      }).pipe(Effect.scoped, Effect.provide(tokens))
  )

  it.effect("where there is none, one fetch is enough", () =>
    Effect.gen(function* () {
      const one = yield* AccessToken.make
      yield* one.renewAhead(app, 10_000)
      assert.strictEqual(yield* fetches, 1)
    }).pipe(Effect.scoped, Effect.provide(tokens))
  )
})

it.effect("T6: a store whose settings can't be right is no outage: the call says which, and nothing is fetched", () =>
  Effect.gen(function* () {
    const config = new InvalidConfig({ setting: "store", problem: { en: "is wrong", zh: "错误" } })
    const failing = new TokenCache.TokenCacheError({ operation: "read", problem: "WRONGPASS", config })
    const memory = yield* TokenCache.makeMemory
    const tokens = yield* AccessToken.make.pipe(
      Effect.provideService(
        TokenCache.TokenCache,
        TokenCache.TokenCache.of({ ...memory, read: () => Effect.fail(failing) })
      )
    )
    const fiber = yield* Effect.forkChild(Effect.flip(tokens.get(app, 10_000)))
    yield* TestClock.adjust("1 second")
    assert.strictEqual((yield* Fiber.join(fiber))._tag, "InvalidConfig")
    assert.strictEqual(yield* fetches, 0)
  }).pipe(Effect.scoped, Effect.provide(tokens))
)
