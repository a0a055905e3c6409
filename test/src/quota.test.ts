/** The limiter in Redis, QQ's own word on a quota, and what is left of one. Its laws are in laws/Q1 and laws/Q2. */
import { assert, describe, it } from "@effect/vitest"
import * as Quota from "@qq-mini/core/Quota"
import * as Security from "@qq-mini/core/Security"
import { createQQMini } from "@qq-mini/node"
import * as RedisStores from "@qq-mini/node/RedisStores"
import { defaultPrograms } from "@qq-mini/sandbox/Sandbox"
import * as Sandbox from "@qq-mini/sandbox/Sandbox"
import * as SandboxServer from "@qq-mini/sandbox/SandboxServer"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Result from "effect/Result"
import { TestClock } from "effect/testing"
import { createClient } from "redis"
import { afterAll, beforeAll } from "vitest"
import { remaining, reserve } from "./support/places.ts"
import { Redis } from "./support/redis.ts"

let redis: Redis
beforeAll(async () => {
  redis = await Redis.start()
})
afterAll(() => redis[Symbol.asyncDispose]())

describe("the limiter in Redis", () => {
  const inRedis = <A, E>(body: Effect.Effect<A, E, Quota.Quota>) =>
    Effect.provide(
      body,
      Layer.suspend(() => RedisStores.layer({ url: redis.url }))
    )

  it.live("grants, waits in the order of asking, refuses, and takes back", () =>
    inRedis(
      Effect.gen(function* () {
        const quota = yield* Quota.Quota
        const [key, limits] = ["a grants", [Quota.perMinute(5), Quota.perDay(8)]]
        assert.strictEqual(yield* remaining(key, limits), 5)
        const places = yield* Effect.all(Array.from({ length: 5 }, () => reserve(key, limits)))
        assert.isTrue(places.every(({ granted, wait }) => granted && wait === 0))
        assert.strictEqual(yield* remaining(key, limits), 0)
        const late = yield* reserve(key, limits)
        assert.isFalse(late.granted)
        assert.isAtLeast(late.wait, 58_000)
        assert.isAtMost(late.wait, 63_000)
        const waiting = yield* Effect.all(Array.from({ length: 3 }, () => reserve(key, limits, 70_000)))
        assert.isTrue(waiting.every(({ granted, wait }) => granted && wait > 58_000))
        // the day is full now, so a minute's wait is not enough
        const tomorrow = yield* reserve(key, limits, 120_000)
        assert.isFalse(tomorrow.granted)
        assert.isAbove(tomorrow.wait, 23 * 3_600_000)
        for (const { ticket } of [...waiting, places[0]!]) yield* quota.release({ key, limits, ticket })
        assert.strictEqual(yield* remaining(key, limits), 1)
        assert.isTrue((yield* reserve(key, limits)).granted)
      })
    )
  )

  it.live("a limit of nothing, and what only QQ can count", () =>
    inRedis(
      Effect.gen(function* () {
        const nothing = yield* reserve("a nothing", [Quota.perMinute(0)], Infinity)
        assert.deepStrictEqual([nothing.granted, nothing.wait], [false, Infinity])
        const counted = [Quota.perLifetime(1), Quota.perUser(1, "day")]
        for (let i = 0; i < 5; i++) assert.isTrue((yield* reserve("a theirs", counted)).granted)
        assert.strictEqual(yield* remaining("a theirs", counted), Infinity)
      })
    )
  )

  it.live("QQ's own 'too often' closes a call for all who share it, and for longer when it comes again", () =>
    Effect.gen(function* () {
      const [key, limits] = ["a refused", [Quota.perMinute(100)]]
      const one = yield* Layer.build(RedisStores.layer({ url: redis.url }))
      const other = yield* Layer.build(Layer.fresh(RedisStores.layer({ url: redis.url })))
      const refused = Effect.provide(
        Effect.flatMap(Quota.Quota, (quota) => quota.close({ key, limits })),
        one
      )
      yield* refused
      yield* refused
      const place = yield* Effect.provide(reserve(key, limits), other)
      assert.isFalse(place.granted)
      assert.isAbove(place.wait, 55_000)
      assert.isAtMost(place.wait, 60_000)
      assert.strictEqual(yield* Effect.provide(remaining(key, limits), other), 0)
      assert.isTrue(
        yield* Effect.provide(
          Effect.flatMap(Quota.Quota, (quota) => quota.isClosed({ key, limits })),
          other
        )
      )
      // as if the minute were over, and QQ still refused
      const client = createClient({ url: redis.url })
      yield* Effect.promise(() => client.connect())
      yield* Effect.promise(() => client.hSet(`qq-mini:quota:{${key}}`, "until", String(Date.now() - 1_000)))
      yield* refused
      const third = yield* Layer.build(Layer.fresh(RedisStores.layer({ url: redis.url })))
      assert.isAbove((yield* Effect.provide(reserve(key, limits), third)).wait, 115_000)
      // nothing that is kept is kept for ever, and all of a call's lies in one part of a cluster
      for (const name of yield* Effect.promise(() => client.keys("qq-mini:quota:*"))) {
        assert.isAbove(yield* Effect.promise(() => client.pTTL(name)), 0, name)
        assert.match(name, /^qq-mini:quota:\{[^{}]+\}(:\d+\/(minute|day))?$/)
      }
      yield* Effect.promise(() => client.close())
    }).pipe(Effect.scoped)
  )
})

describe("QQ's word", () => {
  const check = Security.msgSecCheck({ content: "x" }, { deadline: "10 minutes" })

  it.effect(
    "is believed over our count: after one refusal nobody goes for a minute, who waits is answered then",
    () => {
      const logs: Array<string> = []
      return Effect.gen(function* () {
        const sandbox = yield* Sandbox.Sandbox
        // QQ lets 10 through, where the client counts to 4,000
        const calls = yield* Effect.forkChild(
          Effect.forEach(Array.from({ length: 40 }), () => Effect.result(check), { concurrency: 5 })
        )
        for (let second = 0; second < 600; second++) yield* TestClock.adjust("1 second")
        const results = yield* Fiber.join(calls)
        assert.strictEqual(results.filter(Result.isSuccess).length, 40)
        const log = (yield* sandbox.log).filter(({ endpoint }) => endpoint === "security.msgSecCheck")
        // those that were on their way together are refused together, and nobody after them until it is open again
        assert.isAtMost(log.filter(({ code }) => code !== 0).length, 4 * 5)
        assert.isTrue(
          logs.some((line) => /waiting \d+ s for a place/.test(line)),
          logs.join("\n")
        )
      }).pipe(
        Effect.provide(Sandbox.layerWith({ quota: { "security.msgSecCheck": [Quota.perMinute(10)] } })),
        Effect.provide(Logger.layer([Logger.make(({ message }) => logs.push(String(message)))]))
      )
    }
  )
})

describe("what is left", () => {
  it("can be read by plain apps", async () => {
    await using sandbox = await SandboxServer.start()
    await using qq = createQQMini({ apps: defaultPrograms, baseUrl: sandbox.url, store: "memory" })
    await qq.security.msgSecCheck({ content: "x" })
    assert.strictEqual(await qq.remaining("security.msgSecCheck"), 3_999)
    assert.strictEqual(await qq.remaining("security.msgSecCheck", { appid: defaultPrograms[1].appid }), 4_000)
    assert.strictEqual(await qq.remaining("subscribeMessage.send"), Infinity)
    const error = await qq.remaining("no.such" as never).catch((error) => error)
    assert.strictEqual(error.reason._tag, "InvalidInput")
  })
})
