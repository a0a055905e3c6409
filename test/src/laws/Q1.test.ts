/**
 * Q1: never more than QQ's limit in any window of time, in one process or across many, and at least 95 % of it when
 * there is that much to do. Across processes the limits are counted in Redis.
 */
import { assert, describe, it } from "@effect/vitest"
import * as AccessToken from "@qq-mini/core/AccessToken"
import * as QQMini from "@qq-mini/core/QQMini"
import * as Quota from "@qq-mini/core/Quota"
import * as RedisQuota from "@qq-mini/core/RedisQuota"
import * as RedisTokenCache from "@qq-mini/core/RedisTokenCache"
import * as Security from "@qq-mini/core/Security"
import * as TokenCache from "@qq-mini/core/TokenCache"
import * as RedisStores from "@qq-mini/node/RedisStores"
import * as Sandbox from "@qq-mini/sandbox/Sandbox"
import type * as SandboxServer from "@qq-mini/sandbox/SandboxServer"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as EffectRedis from "effect/persistence/Redis"
import * as Result from "effect/Result"
import { TestClock } from "effect/testing"
import { afterAll, beforeAll } from "vitest"
import { first } from "../support/calls.ts"
import { runFor } from "../support/clock.ts"
import { deploy, type Deployment } from "../support/deployment.ts"
import { Proxy } from "../support/faultyProxy.ts"
import { withLimits } from "../support/limits.ts"
import { overHttp } from "../support/overHttp.ts"
import { remaining, reserve } from "../support/places.ts"
import { sum } from "../support/processes.ts"
import { Redis } from "../support/redis.ts"
import { dropped } from "../support/serverless.ts"
import { oneStore } from "../support/token.ts"

let redis: Redis
beforeAll(async () => {
  redis = await Redis.start()
})
afterAll(() => redis[Symbol.asyncDispose]())

const window = 3_000
const limit: Quota.Limit = { max: 150, window, scope: "app", enforcedBy: "client" }

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
          // A call without a place before its deadline fails with the time until there is one. QQ refuses no call.
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
    const limit: Quota.Limit = { max: 400, window: 60_000, scope: "app", enforcedBy: "client" }
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
      assert.strictEqual(yield* remaining("a away", limits), 0)
      yield* quota.release({ key: "a away", limits, ticket: places[0]!.ticket })
      assert.isTrue((yield* reserve("a away", limits)).granted)
      // QQ's word counts then, too
      yield* Effect.ignore(quota.close({ key: "a word", limits }))
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

it.live("Q1: a place counts until its deadline, however short the window is", () =>
  Effect.gen(function* () {
    const limits: ReadonlyArray<Quota.Limit> = [{ max: 1, window: 500, scope: "app", enforcedBy: "client" }]
    const ofOneProcess = <A, E>(effect: Effect.Effect<A, E, Quota.Quota>) =>
      Effect.provide(effect, RedisStores.layer({ url: `${redis.url}/3` }), { local: true })
    assert.isTrue((yield* ofOneProcess(reserve("a short", limits))).granted)
    assert.strictEqual(yield* ofOneProcess(remaining("a short", limits)), 0)
    assert.isFalse((yield* ofOneProcess(reserve("a short", limits))).granted)
  })
)

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

it.effect("Q1: a Redis that is away is asked once a second, and no call waits for it", () =>
  Effect.gen(function* () {
    let asked = 0
    const away = Effect.fail(new EffectRedis.RedisError({ cause: new Error("away") }))
    let answer: Effect.Effect<never, EffectRedis.RedisError> = away
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
    const reserve = quota.reserve({ key: "a call", limits: [Quota.perMinute(100)], maxWait: 0, ttl: 15_000 })
    const reserveTenTimes = Effect.forEach(Array.from({ length: 10 }), () => reserve)
    assert.isTrue((yield* reserve).granted)
    assert.isTrue((yield* reserveTenTimes).every(({ granted }) => granted))
    assert.strictEqual(asked, 1)
    yield* TestClock.adjust("1 second")
    answer = Effect.never
    yield* dropped(reserve)
    assert.strictEqual(asked, 2)
    yield* reserveTenTimes
    assert.strictEqual(asked, 2)
    yield* TestClock.adjust("1 second")
    const waiting = yield* Effect.forkChild(reserveTenTimes, { startImmediately: true })
    assert.isDefined(waiting.pollUnsafe())
    assert.strictEqual(asked, 3)
  })
)

/** A limiter that takes each limit for a tenth of it, so that fewer calls fill it. */
const tenth = Layer.effect(
  Quota.Quota,
  Effect.map(Quota.makeMemory, (quota) =>
    withLimits(quota, (limits) => limits.map((limit) => ({ ...limit, max: limit.max / 10 })))
  )
)

it.effect.each([
  ["a token that takes long", "auth.getAccessToken", 1],
  ["answers that take long", "security.msgSecCheck", 64]
] as const)("Q1: %s makes no burst that QQ refuses", ([, endpoint, times]) =>
  Effect.gen(function* () {
    const sandbox = yield* Sandbox.Sandbox
    if (endpoint === "security.msgSecCheck") yield* Security.msgSecCheck({ content: "x" })
    yield* sandbox.fault({ kind: "slowHeaders", endpoint, times, delay: "4 seconds" })
    const batch = Effect.forEach(
      Array.from({ length: 400 }),
      () =>
        Effect.result(Security.msgSecCheck({ content: "x" }, { deadline: "5 minutes", attemptTimeout: "1 minute" })),
      { concurrency: "unbounded" }
    )
    const first = yield* Effect.forkChild(batch)
    for (let i = 0; i < 620; i++) yield* TestClock.adjust("100 millis")
    const next = yield* Effect.forkChild(batch)
    for (let i = 0; i < 1_200; i++) yield* TestClock.adjust("100 millis")
    const results = [...(yield* Fiber.join(first)), ...(yield* Fiber.join(next))]
    assert.strictEqual(results.filter(Result.isSuccess).length, 800)
    const refused = (yield* sandbox.log).filter((e) => e.endpoint === "security.msgSecCheck" && e.code !== 0)
    assert.deepStrictEqual(refused, [])
  }).pipe(
    Effect.provide(
      QQMini.layerNoDeps.pipe(
        Layer.provide(AccessToken.layer),
        Layer.provide(TokenCache.layerMemory),
        Layer.provide(tenth),
        Layer.provide(Layer.merge(Sandbox.layerTransport, Sandbox.layerApps)),
        Layer.provideMerge(Sandbox.layerPlatform({ quota: { "security.msgSecCheck": [Quota.perMinute(400)] } }))
      )
    )
  )
)

it.effect("Q1: a send repeated with a new token takes a place of its own", () =>
  Effect.gen(function* () {
    const sandbox = yield* Sandbox.Sandbox
    yield* sandbox.fault({ kind: "badToken", endpoint: "security.msgSecCheck" })
    yield* Security.msgSecCheck({ content: "x" })
    const key = `${first.appid} security.msgSecCheck`
    const quota = yield* Quota.Quota
    assert.strictEqual(yield* quota.remaining({ key, limits: [Quota.perMinute(4_000)] }), 3_998)
  }).pipe(
    Effect.provide(
      QQMini.layerNoDeps.pipe(
        Layer.provide(AccessToken.layer),
        Layer.provide(TokenCache.layerMemory),
        Layer.provideMerge(Quota.layerMemory),
        Layer.provide(Layer.merge(Sandbox.layerTransport, Sandbox.layerApps)),
        Layer.provideMerge(Sandbox.layerPlatform())
      )
    )
  )
)

it.effect.each([45009, 45011])(
  "Q1: a token fetch that QQ refuses with %i does not close the quota of the call",
  (code) =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.Sandbox
      const quota = yield* Quota.Quota
      const counted = { key: `${first.appid} security.msgSecCheck`, limits: [Quota.perMinute(4_000)] }
      // The quota is full, so the call waits for its place before it fetches a token.
      yield* quota.close(counted)
      yield* sandbox.fault({ kind: "code", code, endpoint: "auth.getAccessToken" })
      const call = Security.msgSecCheck({ content: "x" }, { attempts: 1, deadline: "2 minutes" })
      const { reason } = yield* runFor("1 minute", Effect.flip(call))
      assert.strictEqual("code" in reason && reason.code, code)
      assert.strictEqual(yield* sandbox.count("auth.getAccessToken"), 1)
      assert.strictEqual(yield* quota.remaining(counted), 4_000)
    }).pipe(Effect.provide(QQMini.layerStores.pipe(Layer.provideMerge(oneStore))))
)

it.live("Q1: as fast as it can, a client never passes the platform's own rolling window", () =>
  Effect.gen(function* () {
    const sandbox = yield* Sandbox.Sandbox
    const results = yield* Effect.forEach(
      Array.from({ length: 4_200 }),
      () => Effect.result(Security.msgSecCheck({ content: "x" }, { quota: "fail" })),
      { concurrency: 100 }
    )
    const passed = results.filter(Result.isSuccess).length
    assert.strictEqual(passed, 4_000)
    const refused = (yield* sandbox.log).filter((e) => e.endpoint === "security.msgSecCheck" && e.code !== 0)
    assert.deepStrictEqual(refused, [])
    // every call has the time that it needs
  }).pipe(Effect.provide(overHttp({}, { attemptTimeout: 60_000, deadline: 120_000 })))
)
