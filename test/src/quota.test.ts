/** Q1 and Q2 across processes: the limits counted in Redis, on the platform's own rolling windows. */
import { assert, describe, it } from "@effect/vitest"
import * as QQMini from "@qq-mini/core/QQMini"
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
import { deploy, type Deployment } from "./support/deployment.ts"
import { sum } from "./support/processes.ts"
import { Proxy } from "./support/faultyProxy.ts"
import { Redis } from "./support/redis.ts"
import { withPlace } from "../../packages/core/src/call/place.ts"

let redis: Redis
beforeAll(async () => {
  redis = await Redis.start()
})
afterAll(() => redis[Symbol.asyncDispose]())

const window = 3_000
const limit: Quota.Limit = { max: 150, per: window, for: "app", keptBy: "client" }

/** The most of these times in any window that begins at one of them. */
const most = (times: ReadonlyArray<number>): number => {
  let max = 0
  for (let from = 0, to = 0; from < times.length; from++) {
    while (to < times.length && times[to]! < times[from]! + window) to++
    max = Math.max(max, to - from)
  }
  return max
}

/** What QQ saw: that it refused nothing, and no window holds more than the limit. */
const assertKept = async (sandbox: SandboxServer.Running): Promise<number> => {
  const log = (await sandbox.run((platform) => platform.log)).filter((e) => e.endpoint === "security.msgSecCheck")
  assert.deepStrictEqual(
    log.filter(({ code }) => code !== 0),
    []
  )
  assert.isAtMost(most(log.map(({ at }) => at)), limit.max)
  return log.length
}

describe("Q1: 8 processes, text checks as fast as they can", () => {
  const platform = { quota: { "security.msgSecCheck": [limit] } }

  it("never pass a limit in any window", () =>
    deploy(
      redis.url,
      async ({ sandbox, start }) => {
        const holders = await start(8, { limit })
        // until there are more than a window's, so that places came back
        do {
          const done = sum(await Promise.all(holders.map((holder) => holder.check({ millis: 3 * window, fibers: 10 }))))
          // who finds no place before the end is told when there is one; QQ refused nobody
          assert.includeMembers(["ok", "QuotaReached", "TimedOut"], Object.keys(done))
        } while ((await assertKept(sandbox)) <= limit.max)
      },
      platform
    ))

  it("never pass a limit, though requests are 0 to 5 seconds late on their way", { timeout: 120_000 }, async () => {
    await deploy(
      `${redis.url}/1`,
      async ({ sandbox, start }) => {
        await using proxy = await Proxy.start(Number(new URL(sandbox.url).port))
        proxy.requestDelay = () => Math.random() * 5_000
        const holders = await start(8, {
          limit,
          attemptTimeout: 5_000,
          baseUrl: `http://127.0.0.1:${proxy.port}`
        })
        do {
          const checks = holders.map((holder) => holder.check({ millis: 5 * window, fibers: 30, deadline: 8_000 }))
          const done = sum(await Promise.all(checks))
          // some take longer than an attempt may; QQ refused nobody
          assert.includeMembers(["ok", "QuotaReached", "TimedOut"], Object.keys(done))
        } while ((await assertKept(sandbox)) <= limit.max)
      },
      platform
    )
  })

  it("fill a minute's limit, and the others are told when", { timeout: 120_000 }, async () => {
    const limit: Quota.Limit = { max: 400, per: 60_000, for: "app", keptBy: "client" }
    const platform = { quota: { "security.msgSecCheck": [limit] } }
    const body = async ({ sandbox, start }: Deployment) => {
      const holders = await start(8, { limit })
      const done = sum(
        await Promise.all(
          holders.map((holder) => holder.check({ millis: 50_000, fibers: 4, deadline: 8_000, untilFull: true }))
        )
      )
      // on a busy machine a call may also wait too long for its turn
      assert.includeMembers(["ok", "QuotaReached", "TimedOut"], Object.keys(done))
      assert.property(done, "QuotaReached")
      const log = (await sandbox.run((platform) => platform.log)).filter((e) => e.endpoint === "security.msgSecCheck")
      assert.deepStrictEqual(
        log.filter(({ code }) => code !== 0),
        []
      )
      // a place whose granting was heard of too late is lost
      assert.isAtLeast(log.length, 0.95 * limit.max)
      assert.isAtMost(log.length, limit.max)
    }
    await deploy(`${redis.url}/2`, body, platform)
  })
})

describe("the limiter in Redis", () => {
  const inRedis = <A, E>(body: Effect.Effect<A, E, Quota.Quota>) =>
    Effect.provide(
      body,
      Layer.suspend(() => RedisStores.layer({ url: redis.url }))
    )
  const reserve = (key: string, limits: ReadonlyArray<Quota.Limit>, maxWait = 0) =>
    Effect.flatMap(Quota.Quota, (quota) => quota.reserve({ key, limits, maxWait, hold: 15_000 }))
  const left = (key: string, limits: ReadonlyArray<Quota.Limit>) =>
    Effect.flatMap(Quota.Quota, (quota) => quota.left({ key, limits }))

  it.live("grants, waits in the order of asking, refuses, and takes back", () =>
    inRedis(
      Effect.gen(function* () {
        const quota = yield* Quota.Quota
        const [key, limits] = ["a grants", [Quota.perMinute(5), Quota.perDay(8)]]
        assert.strictEqual(yield* left(key, limits), 5)
        const places = yield* Effect.all(Array.from({ length: 5 }, () => reserve(key, limits)))
        assert.isTrue(places.every(({ granted, wait }) => granted && wait === 0))
        assert.strictEqual(yield* left(key, limits), 0)
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
        assert.strictEqual(yield* left(key, limits), 1)
        assert.isTrue((yield* reserve(key, limits)).granted)
      })
    )
  )

  it.live("a limit of nothing, and what only QQ can count", () =>
    inRedis(
      Effect.gen(function* () {
        const nothing = yield* reserve("a nothing", [Quota.perMinute(0)], Infinity)
        assert.deepStrictEqual([nothing.granted, nothing.wait], [false, Infinity])
        const counted = [Quota.ever(1), Quota.perUser(1, "day")]
        for (let i = 0; i < 5; i++) assert.isTrue((yield* reserve("a theirs", counted)).granted)
        assert.strictEqual(yield* left("a theirs", counted), Infinity)
      })
    )
  )

  it.live("QQ's own 'too often' closes a call for all who share it, and for longer when it comes again", () =>
    Effect.gen(function* () {
      const [key, limits] = ["a refused", [Quota.perMinute(100)]]
      const one = yield* Layer.build(RedisStores.layer({ url: redis.url }))
      const other = yield* Layer.build(Layer.fresh(RedisStores.layer({ url: redis.url })))
      const refused = Effect.provide(
        Effect.flatMap(Quota.Quota, (quota) => quota.refused({ key, limits })),
        one
      )
      yield* refused
      yield* refused
      const place = yield* Effect.provide(reserve(key, limits), other)
      assert.isFalse(place.granted)
      assert.isAbove(place.wait, 55_000)
      assert.isAtMost(place.wait, 60_000)
      assert.strictEqual(yield* Effect.provide(left(key, limits), other), 0)
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

  it.live("Q1: while Redis is away each process counts for itself by what it took before, and says so once", () => {
    const logs: Array<string> = []
    return Effect.gen(function* () {
      const mortal = yield* Effect.acquireRelease(
        Effect.promise(() => Redis.start()),
        (redis) => Effect.promise(() => redis[Symbol.asyncDispose]())
      )
      const limits = [Quota.perMinute(3)]
      const granted = (places: ReadonlyArray<Quota.Place>) => places.filter(({ granted }) => granted)
      yield* Effect.gen(function* () {
        const quota = yield* Quota.Quota
        assert.isTrue((yield* reserve("a away", limits)).granted)
        yield* Effect.promise(() => mortal.stop())
        const places = granted(yield* Effect.all(Array.from({ length: 5 }, () => reserve("a away", limits))))
        assert.strictEqual(places.length, 2)
        assert.strictEqual(yield* left("a away", limits), 0)
        yield* quota.release({ key: "a away", limits, ticket: places[0]!.ticket })
        assert.isTrue((yield* reserve("a away", limits)).granted)
        // QQ's word counts then, too
        yield* Effect.ignore(quota.refused({ key: "a word", limits }))
        assert.isFalse((yield* reserve("a word", limits)).granted)
        yield* Effect.promise(() => mortal.start())
        const back = () => logs.some((line) => line.includes("counted in Redis again"))
        yield* Effect.repeat(Effect.delay(reserve("another", [Quota.perMinute(1_000)]), 100), { until: back })
        // a Redis that knows of nothing: this process still knows what it took, and what QQ said
        assert.isFalse((yield* reserve("a away", limits)).granted)
        assert.isFalse((yield* reserve("a word", limits)).granted)
        assert.strictEqual(logs.filter((line) => line.includes("counting in this process alone")).length, 1)
      }).pipe(Effect.provide(RedisStores.layer({ url: mortal.url })))
    }).pipe(Effect.scoped, Effect.provide(Logger.layer([Logger.make(({ message }) => logs.push(String(message)))])))
  })

  it.live("Q1: callers that are with Redis when it hangs pass no limit of their process", () =>
    Effect.gen(function* () {
      const mortal = yield* Effect.acquireRelease(
        Effect.promise(() => Redis.start()),
        (redis) => Effect.promise(() => redis[Symbol.asyncDispose]())
      )
      const limits = [Quota.perMinute(5)]
      yield* Effect.gen(function* () {
        assert.isTrue((yield* reserve("a hang", limits)).granted)
        mortal.freeze()
        const places = yield* Effect.all(
          Array.from({ length: 50 }, () => reserve("a hang", limits)),
          { concurrency: "unbounded" }
        )
        assert.strictEqual(places.filter(({ granted }) => granted).length, 4)
        mortal.thaw()
      }).pipe(Effect.provide(RedisStores.layer({ url: mortal.url })))
    }).pipe(Effect.scoped)
  )

  it.live("Q2, D3: callers whose call QQ refused at different times wait, and spin for nothing", () =>
    Effect.gen(function* () {
      const [key, limits] = ["a spin", [Quota.perMinute(5)]]
      const counted = { key, limits }
      const one = yield* Effect.provide(Quota.Quota, yield* Layer.build(RedisStores.layer({ url: redis.url })))
      yield* one.refused(counted)
      // Redis opens sooner than this process believes
      const client = createClient({ url: redis.url })
      yield* Effect.promise(() => client.connect())
      yield* Effect.promise(() => client.hSet(`qq-mini:quota:{${key}}`, "until", String(Date.now() + 500)))
      let reservations = 0
      const watched = Quota.Quota.of({
        ...one,
        reserve: (options) =>
          Effect.andThen(
            Effect.sync(() => reservations++),
            one.reserve(options)
          )
      })
      const waiting = { maxWait: () => 2_000, hold: () => 15_000 }
      const call = withPlace(watched, counted, waiting, (effect) => effect, Effect.succeed("sent"))
      const results = yield* Effect.all(
        Array.from({ length: 5 }, () => Effect.result(call)),
        { concurrency: 5 }
      )
      for (const result of results) assert.strictEqual(result._tag, "Failure")
      assert.isAtMost(reservations, 20)
      yield* Effect.promise(() => client.close())
    }).pipe(Effect.scoped)
  )

  it.live("a place that a clock took an hour ahead holds up nobody", () =>
    Effect.gen(function* () {
      const limits = [Quota.perMinute(10)]
      const client = createClient({ url: redis.url })
      yield* Effect.promise(() => client.connect())
      const slot = String(Math.floor((Date.now() + 3_600_000) / (60_000 / 64)))
      yield* Effect.promise(() => client.hSet("qq-mini:quota:{a clock}:10/minute", slot, "1"))
      assert.isTrue((yield* inRedis(reserve("a clock", limits))).granted)
      yield* Effect.promise(() => client.close())
    })
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

  it.effect("who does not wait is told when to come back", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.Sandbox
      yield* sandbox.fault({ kind: "code", code: 45009, endpoint: "security.msgSecCheck" })
      const first = yield* Effect.flip(Security.msgSecCheck({ content: "x" }, { quota: "fail", attempts: 1 }))
      assert.strictEqual(first.reason._tag, "QuotaReached")
      const next = yield* Effect.flip(Security.msgSecCheck({ content: "x" }, { quota: "fail" }))
      assert.strictEqual(next.reason._tag, "QuotaReached")
      assert.isAbove(next.retryAfter!, 50_000)
      assert.strictEqual(yield* sandbox.count("security.msgSecCheck"), 1)
      assert.strictEqual(yield* QQMini.left(Security.msgSecCheck), 0)
      assert.strictEqual(yield* QQMini.left(Security.imgSecCheck), 2_000)
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(yield* QQMini.left(Security.msgSecCheck), 3_999)
      yield* check
    }).pipe(Effect.provide(Sandbox.layer))
  )
})

describe("what is left", () => {
  it("can be read by plain apps", async () => {
    await using sandbox = await SandboxServer.start()
    await using qq = createQQMini({ apps: defaultPrograms, baseUrl: sandbox.url, store: "memory" })
    await qq.security.msgSecCheck({ content: "x" })
    assert.strictEqual(await qq.left("security.msgSecCheck"), 3_999)
    assert.strictEqual(await qq.left("security.msgSecCheck", { appid: defaultPrograms[1].appid }), 4_000)
    assert.strictEqual(await qq.left("subscribeMessage.send"), Infinity)
    const error = await qq.left("no.such" as never).catch((error) => error)
    assert.strictEqual(error.reason._tag, "InvalidInput")
  })
})
