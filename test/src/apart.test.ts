/** Calls that are each by themselves, as on runtimes that may forget one request while others go on. */
import { assert, describe, it } from "@effect/vitest"
import * as AccessToken from "@qq-mini/core/AccessToken"
import * as App from "@qq-mini/core/App"
import { InvalidConfig } from "@qq-mini/core/QQError"
import * as QQMini from "@qq-mini/core/QQMini"
import * as Quota from "@qq-mini/core/Quota"
import * as RedisQuota from "@qq-mini/core/RedisQuota"
import * as RedisTokenCache from "@qq-mini/core/RedisTokenCache"
import * as Security from "@qq-mini/core/Security"
import * as TokenCache from "@qq-mini/core/TokenCache"
import * as Sandbox from "@qq-mini/sandbox/Sandbox"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Redis from "effect/persistence/Redis"
import * as Redacted from "effect/Redacted"
import { TestClock } from "effect/testing"
import { first } from "./support.ts"

const fetches = Effect.flatMap(Sandbox.Sandbox, (sandbox) => sandbox.count("auth.getAccessToken"))
/** Waits until getToken was called so often. */
const fetched = (times: number) => Effect.repeat(Effect.andThen(Effect.yieldNow, fetches), { until: (n) => n >= times })
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
        yield* fetched(2)
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

it.effect("T9: a fetch that is handed over to waitUntil comes to its end though its caller leaves", () =>
  Effect.gen(function* () {
    const sandbox = yield* Sandbox.Sandbox
    yield* sandbox.fault({ kind: "slowHeaders", endpoint: "auth.getAccessToken", delay: "3 seconds" })
    const work: Array<Promise<unknown>> = []
    const handing = Effect.provideService(check, QQMini.WaitUntil, (one: Promise<unknown>) => void work.push(one))
    const leaving = yield* Effect.forkChild(handing, { startImmediately: true })
    const staying = yield* Effect.forkChild(check, { startImmediately: true })
    yield* TestClock.adjust("1 second")
    yield* Fiber.interrupt(leaving)
    yield* TestClock.adjust("3 seconds")
    assert.deepStrictEqual(yield* Fiber.join(staying), { risky: false })
    assert.lengthOf(work, 1)
    yield* Effect.promise(() => work[0]!)
    assert.strictEqual(yield* fetches, 1)
  }).pipe(
    Effect.provide(client.pipe(Layer.provide(Sandbox.layerHttpClient), Layer.provideMerge(Sandbox.layerPlatform())))
  )
)

it.effect("T8: where calls share their fetches, a renewal is handed over to waitUntil too", () =>
  Effect.gen(function* () {
    yield* check
    yield* TestClock.adjust("116 minutes")
    const work: Array<Promise<unknown>> = []
    const handing = Effect.provideService(check, QQMini.WaitUntil, (one: Promise<unknown>) => void work.push(one))
    yield* Effect.forEach(Array.from({ length: 20 }), () => handing, { concurrency: "unbounded" })
    assert.lengthOf(work, 1)
    yield* Effect.promise(() => work[0]!)
    assert.strictEqual(yield* fetches, 2)
  }).pipe(
    Effect.provide(
      QQMini.layer.pipe(
        Layer.provide(Sandbox.layerApps),
        Layer.provide(Sandbox.layerHttpClient),
        Layer.provideMerge(Sandbox.layerPlatform())
      )
    )
  )
)

it.effect("T2: a call that read late does not put an older token over what another got", () =>
  Effect.gen(function* () {
    const memory = yield* TokenCache.makeMemory
    let delay = 0
    const cache = TokenCache.TokenCache.of({
      ...memory,
      read: (key) =>
        Effect.suspend(() => Effect.flatMap(memory.read(key), (slot) => Effect.delay(Effect.succeed(slot), delay)))
    })
    const tokens = yield* AccessToken.make.pipe(Effect.provideService(TokenCache.TokenCache, cache))
    const other = yield* AccessToken.make.pipe(Effect.provideService(TokenCache.TokenCache, memory))
    const first = yield* other.get(app, 10_000)
    delay = 1_000
    const late = yield* Effect.forkChild(tokens.get(app, 10_000), { startImmediately: true })
    delay = 0
    const renewed = yield* tokens.renewAhead(app, 10_000)
    assert.notStrictEqual(renewed.generation, first.generation)
    yield* TestClock.adjust("1 second")
    assert.strictEqual((yield* Fiber.join(late)).generation, renewed.generation)
    assert.strictEqual((yield* tokens.get(app, 10_000)).generation, renewed.generation)
  }).pipe(
    Effect.scoped,
    Effect.provide(Layer.merge(Sandbox.layerHttpClient, settings).pipe(Layer.provideMerge(Sandbox.layerPlatform())))
  )
)

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

  it.effect(
    "T9: one that leaves in the middle of its fetch holds up nobody, and one that is forgotten not for long",
    () =>
      Effect.gen(function* () {
        const sandbox = yield* Sandbox.Sandbox
        yield* sandbox.fault({ kind: "slowHeaders", endpoint: "auth.getAccessToken", delay: "1 minute", times: 2 })
        const leaving = yield* Effect.forkChild(check, { startImmediately: true })
        yield* TestClock.adjust("500 millis")
        yield* Fiber.interrupt(leaving)
        yield* forgotten(check)
        yield* TestClock.adjust("500 millis")
        // the one that left made room for the forgotten one
        assert.strictEqual(yield* fetches, 2)
        const next = yield* Effect.forkChild(check, { startImmediately: true })
        yield* TestClock.adjust("6 seconds")
        assert.deepStrictEqual(yield* Fiber.join(next), { risky: false })
        assert.strictEqual(yield* fetches, 3)
      }).pipe(Effect.provide(alone(Effect.fail(lost))))
  )

  it.effect("T6: those who leave in the middle of a fetch spend the budget all the same", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.Sandbox
      yield* sandbox.fault({ kind: "slowHeaders", endpoint: "auth.getAccessToken", delay: "3 seconds", times: 99 })
      for (let i = 0; i < 10; i++) {
        const leaving = yield* Effect.forkChild(Effect.exit(check), { startImmediately: true })
        yield* TestClock.adjust("1 second")
        yield* Fiber.interrupt(leaving)
      }
      assert.strictEqual(yield* fetches, 3)
    }).pipe(Effect.provide(alone(Effect.fail(lost))))
  )

  it.effect("T9: one that leaves makes room only for the fetch that it began itself", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.Sandbox
      yield* sandbox.fault({ kind: "slowHeaders", endpoint: "auth.getAccessToken", delay: "3 seconds", times: 9 })
      const slow = {
        ...QQMini.Settings.defaultValue(),
        flights: "own",
        renewal: "awaited",
        attemptTimeout: 2_000
      } as const
      const memory = yield* TokenCache.makeMemory
      const tokens = yield* AccessToken.make.pipe(
        Effect.provideService(QQMini.Settings, slow),
        Effect.provideService(
          TokenCache.TokenCache,
          TokenCache.TokenCache.of({ ...memory, read: () => Effect.fail(lost) })
        )
      )
      const get = tokens.get(app, 10_000)
      const leaving = yield* Effect.forkChild(get, { startImmediately: true })
      yield* TestClock.adjust("2100 millis")
      // it took its time, and another fetches now
      yield* Effect.forkChild(get, { startImmediately: true })
      yield* TestClock.adjust("500 millis")
      yield* Fiber.interrupt(leaving)
      const before = yield* fetches
      yield* Effect.forkChild(get, { startImmediately: true })
      yield* TestClock.adjust("500 millis")
      assert.strictEqual(yield* fetches, before)
    }).pipe(Effect.scoped, Effect.provide(Sandbox.layerHttpClient.pipe(Layer.provideMerge(Sandbox.layerPlatform()))))
  )

  it.effect("T6: one that is forgotten while it puts a token into the store that is back leaves that to the next", () =>
    Effect.gen(function* () {
      const memory = yield* TokenCache.makeMemory
      let read: Effect.Effect<void, TokenCache.TokenCacheError> = Effect.fail(lost)
      const cache = TokenCache.TokenCache.of({
        ...memory,
        read: (key) =>
          Effect.andThen(
            Effect.suspend(() => read),
            memory.read(key)
          )
      })
      const tokens = yield* AccessToken.make.pipe(Effect.provideService(TokenCache.TokenCache, cache))
      const get = tokens.get(app, 10_000)
      const fiber = yield* Effect.forkChild(get)
      yield* TestClock.adjust("1 second")
      const { value } = yield* Fiber.join(fiber)
      read = Effect.uninterruptible(Effect.never)
      yield* forgotten(get)
      read = Effect.void
      const key = AccessToken.keyOf(app, QQMini.Settings.defaultValue().baseUrl)
      assert.isUndefined((yield* memory.read(key)).token)
      yield* TestClock.adjust("1 second")
      yield* get
      assert.strictEqual(Redacted.value((yield* memory.read(key)).token!), Redacted.value(value))
      assert.strictEqual(yield* fetches, 1)
    }).pipe(
      Effect.scoped,
      Effect.provide(Layer.merge(Sandbox.layerHttpClient, settings).pipe(Layer.provideMerge(Sandbox.layerPlatform())))
    )
  )
})

/** A service of tokens over a store that is there, and whose reads answer late or not at all. */
const withStore = (
  beforeRead: () => Effect.Effect<void, TokenCache.TokenCacheError>,
  afterLease: Effect.Effect<void> = Effect.void
) =>
  Effect.gen(function* () {
    const memory = yield* TokenCache.makeMemory
    const cache = TokenCache.TokenCache.of({
      ...memory,
      read: (key) =>
        Effect.flatMap(memory.read(key), (slot) =>
          Effect.as(
            Effect.suspend(() => beforeRead()),
            slot
          )
        ),
      lease: (key, options) => Effect.tap(memory.lease(key, options), () => afterLease)
    })
    const make = (store: TokenCache.TokenCache["Service"]) =>
      Effect.provideService(AccessToken.make, TokenCache.TokenCache, store)
    return { memory, tokens: yield* make(cache), other: yield* make(memory) }
  })

const provided = Layer.merge(Sandbox.layerHttpClient, settings).pipe(Layer.provideMerge(Sandbox.layerPlatform()))
const slot = AccessToken.keyOf(app, QQMini.Settings.defaultValue().baseUrl)
const away = Effect.fail(new TokenCache.TokenCacheError({ operation: "read", problem: "away" }))

describe("a store whose answers come late", () => {
  it.effect("T2: one that was read late is not put over a token that was fetched without the store", () =>
    Effect.gen(function* () {
      let before: Effect.Effect<void, TokenCache.TokenCacheError> = Effect.void
      const { other, tokens } = yield* withStore(() => before)
      yield* other.get(app, 10_000)
      before = Effect.sleep("1500 millis")
      const late = yield* Effect.forkChild(tokens.get(app, 10_000), { startImmediately: true })
      before = away
      const fetching = yield* Effect.forkChild(tokens.get(app, 10_000), { startImmediately: true })
      yield* TestClock.adjust("1 second")
      const alone = yield* Fiber.join(fetching)
      assert.isBelow(alone.generation, 0)
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual((yield* Fiber.join(late)).generation, alone.generation)
      const next = yield* Effect.forkChild(tokens.get(app, 10_000))
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* Fiber.join(next)).generation, alone.generation)
    }).pipe(Effect.scoped, Effect.provide(provided))
  )

  it.effect("T2: a late look of settling brings no older token back, and no call waits long for one", () =>
    Effect.gen(function* () {
      let before: Effect.Effect<void, TokenCache.TokenCacheError> = away
      const { memory, other, tokens } = yield* withStore(() => before)
      const fetching = yield* Effect.forkChild(tokens.get(app, 10_000))
      yield* TestClock.adjust("1 second")
      const alone = yield* Fiber.join(fetching)
      // another's token is in the store now, and the look for it is slow
      yield* other.get(app, 10_000)
      before = Effect.sleep("1900 millis")
      const looking = yield* Effect.forkChild(tokens.get(app, 2_000), { startImmediately: true })
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* Fiber.join(looking)).generation, alone.generation)
      // meanwhile a newer one comes
      before = Effect.void
      const renewed = yield* tokens.refresh(app, 10_000)
      yield* TestClock.adjust("2 seconds")
      // that was the end of settling: the next call asks nobody
      before = Effect.never
      assert.strictEqual((yield* tokens.get(app, 10_000)).generation, renewed.generation)
      assert.strictEqual((yield* memory.read(slot)).generation, renewed.generation)
    }).pipe(Effect.scoped, Effect.provide(provided))
  )

  it.effect("T9: who leaves before the lease's answer is there leaves no lease", () =>
    Effect.gen(function* () {
      const { memory, tokens } = yield* withStore(() => Effect.void, Effect.never)
      const leaving = yield* Effect.forkChild(tokens.get(app, 10_000), { startImmediately: true })
      assert.isAbove((yield* memory.read(slot)).leasedFor, 0)
      yield* Fiber.interrupt(leaving)
      assert.strictEqual((yield* memory.read(slot)).leasedFor, 0)
    }).pipe(Effect.scoped, Effect.provide(provided))
  )
})

it.effect("Q1: a Redis that is away is asked by one call a second, also when that one is forgotten", () =>
  Effect.gen(function* () {
    let asked = 0
    let answer: Effect.Effect<never, Redis.RedisError> = Effect.fail(new Redis.RedisError({ cause: new Error("away") }))
    const quota = yield* RedisQuota.make().pipe(
      Effect.provide(
        RedisTokenCache.layerEval(() =>
          Effect.andThen(
            Effect.sync(() => asked++),
            Effect.suspend(() => answer)
          )
        )
      )
    )
    const reserve = quota.reserve({ key: "a call", limits: [Quota.perMinute(100)], maxWait: 0, hold: 15_000 })
    const reserveTenTimes = Effect.forEach(Array.from({ length: 10 }), () => reserve)
    assert.isTrue((yield* reserve).granted)
    assert.isTrue((yield* reserveTenTimes).every(({ granted }) => granted))
    assert.strictEqual(asked, 1)
    yield* TestClock.adjust("1 second")
    answer = Effect.never
    yield* forgotten(reserve)
    assert.strictEqual(asked, 2)
    yield* reserveTenTimes
    assert.strictEqual(asked, 2)
    yield* TestClock.adjust("1 second")
    answer = Effect.fail(new Redis.RedisError({ cause: new Error("away") }))
    yield* reserveTenTimes
    assert.strictEqual(asked, 3)
  })
)

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
