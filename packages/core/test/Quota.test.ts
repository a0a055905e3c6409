import { assert, describe, it } from "@effect/vitest"
import * as Quota from "@qq-mini/core/Quota"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Latch from "effect/Latch"
import { TestClock } from "effect/testing"
import { withPlace } from "../src/call/place.ts"

const key = "1112345678 security.msgSecCheck"
const limits = [Quota.perMinute(4_000), Quota.perDay(2_000_000)]

/** Takes a place and uses it. */
const take = (quota: Quota.Quota["Service"], maxWait: number, of = limits) =>
  withPlace(
    quota,
    { key, limits: of },
    { maxWait: () => maxWait, ttl: () => 15_000 },
    (effect) => effect,
    Effect.succeed(true)
  )

/** Takes a place that is used at once. */
const takeNow = (quota: Quota.Quota["Service"], limits: ReadonlyArray<Quota.Limit>) =>
  Effect.tap(quota.reserve({ key, limits, maxWait: 0, ttl: 15_000 }), ({ ticket }) =>
    quota.complete({ key, limits, ticket })
  )

/** The most that lie in any window of this length that begins at one of the times. */
const most = (times: ReadonlyArray<number>, window: number): number => {
  let max = 0
  for (let from = 0, to = 0; from < times.length; from++) {
    while (to < times.length && times[to]! < times[from]! + window) to++
    max = Math.max(max, to - from)
  }
  return max
}

describe("Quota", () => {
  it.effect.each([0, 5, 1_000, 2_000])(
    "Q1: callers without end, answers after %i ms: 95 % of the limit is used",
    (latency) =>
      Effect.gen(function* () {
        const quota = yield* Quota.makeMemory
        const limits = [Quota.perMinute(600)]
        const times: Array<number> = []
        const waiting = { maxWait: () => Infinity, ttl: () => 15_000 }
        const request = Effect.tap(Effect.sleep(latency), () =>
          Effect.map(Clock.currentTimeMillis, (t) => times.push(t))
        )
        const worker = Effect.forever(withPlace(quota, { key, limits }, waiting, (effect) => effect, request))
        const fibers = yield* Effect.forEach(Array.from({ length: 200 }), () => Effect.forkChild(worker))
        for (let second = 0; second < 1_200; second++) yield* TestClock.adjust("1 second")
        yield* Fiber.interruptAll(fibers)
        assert.isAtMost(most(times, 60_000), 600)
        // after the first 600, for which everything was free
        const used = (times.length - 600) / ((600 * (times.at(-1)! - times[0]!)) / 60_000)
        assert.isAtLeast(used, 0.95)
      })
  )

  it.effect("Q1: bursts at odd times pass no limit in any 60 seconds", () =>
    Effect.gen(function* () {
      const quota = yield* Quota.makeMemory
      const small = [Quota.perMinute(100)]
      const times: Array<number> = []
      let now = 0
      for (let burst = 0; burst < 200; burst++) {
        // 0 to 20 seconds apart, 0 to 60 at once, from a fixed row of numbers
        const pause = (burst * 7_919) % 20_011
        yield* TestClock.adjust(pause)
        now += pause
        for (let i = (burst * 31) % 61; i > 0; i--) {
          const place = yield* takeNow(quota, small)
          if (place.granted) times.push(now)
        }
      }
      assert.isAtMost(most(times, 60_000), 100)
      assert.isAbove(times.length, 1_000)
    })
  )

  it.effect("Q1: the day's limit holds beside the minute's", () =>
    Effect.gen(function* () {
      const quota = yield* Quota.makeMemory
      const both = [Quota.perMinute(10), Quota.perDay(15)]
      const take = takeNow(quota, both)
      const granted = (yield* Effect.all(Array.from({ length: 12 }, () => take))).filter((place) => place.granted)
      assert.strictEqual(granted.length, 10)
      yield* TestClock.adjust("2 minutes")
      assert.strictEqual(yield* quota.remaining({ key, limits: both }), 5)
      const more = (yield* Effect.all(Array.from({ length: 12 }, () => take))).filter((place) => place.granted)
      assert.strictEqual(more.length, 5)
      const late = yield* take
      assert.isAbove(late.wait, 23 * 3_600_000)
      yield* TestClock.adjust(late.wait)
      assert.isTrue((yield* take).granted)
    })
  )

  it.effect("Q2: a wait is bounded, fair, and names the time to come back", () =>
    Effect.gen(function* () {
      const quota = yield* Quota.makeMemory
      const two = [Quota.perMinute(2)]
      yield* take(quota, 0, two)
      yield* take(quota, 0, two)
      const error = yield* Effect.flip(take(quota, 10_000, two))
      assert.strictEqual(error._tag, "QuotaReached")
      assert.isAtLeast(error.retryAfter ?? 0, 60_000)
      assert.isAtMost(error.retryAfter ?? Infinity, 63_000)
      // whoever waits gets the next places in the order of asking
      const order: Array<number> = []
      const fibers = yield* Effect.forEach([1, 2, 3, 4], (n) =>
        Effect.forkChild(
          Effect.andThen(
            take(quota, Infinity, two),
            Effect.sync(() => order.push(n))
          )
        )
      )
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(order, [])
      yield* TestClock.adjust("3 seconds")
      assert.deepStrictEqual(order, [1, 2])
      yield* TestClock.adjust("2 minutes")
      assert.deepStrictEqual(order, [1, 2, 3, 4])
      yield* Fiber.joinAll(fibers)
    })
  )

  it.effect("Q1: a place whose turn comes late is given back for another, which counts from then on", () =>
    Effect.gen(function* () {
      const quota = yield* Quota.makeMemory
      const two = [Quota.perMinute(2)]
      for (let i = 0; i < 2; i++) yield* take(quota, 0, two)
      // two more get places a minute later, but their turns come 55 seconds after that
      let turns = 0
      const gate = yield* Latch.make(false)
      const slow = withPlace(
        quota,
        { key, limits: two },
        { maxWait: () => Infinity, ttl: () => 15_000 },
        (effect) => Effect.suspend(() => (++turns > 2 ? Effect.andThen(gate.await, effect) : effect)),
        Effect.succeed(true)
      )
      const fibers = yield* Effect.forEach([1, 2], () => Effect.forkChild(slow))
      for (let i = 0; i < 117; i++) yield* TestClock.adjust("1 second")
      yield* gate.open
      yield* Fiber.joinAll(fibers)
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(yield* quota.remaining({ key, limits: two }), 0)
      yield* TestClock.adjust("52 seconds")
      assert.strictEqual(yield* quota.remaining({ key, limits: two }), 2)
    })
  )

  it.effect("a limit of nothing lets nobody through, at once", () =>
    Effect.gen(function* () {
      const quota = yield* Quota.makeMemory
      const error = yield* Effect.flip(take(quota, 1e9, [Quota.perMinute(0)]))
      assert.strictEqual(error._tag, "QuotaReached")
    })
  )

  it.effect("Q1: places of callers who gave up waiting go to others", () =>
    Effect.gen(function* () {
      const quota = yield* Quota.makeMemory
      const ten = [Quota.perMinute(10)]
      for (let i = 0; i < 10; i++) yield* take(quota, 0, ten)
      const waiting = yield* Effect.forEach(Array.from({ length: 100 }), () =>
        Effect.forkChild(take(quota, Infinity, ten), { startImmediately: true })
      )
      yield* Fiber.interruptAll(waiting)
      yield* TestClock.adjust("62 seconds")
      assert.strictEqual(yield* quota.remaining({ key, limits: ten }), 10)
    })
  )

  it.effect("Q1: however long requests travel, no limit is passed where QQ counts", () =>
    Effect.gen(function* () {
      const quota = yield* Quota.makeMemory
      const ten = [Quota.perMinute(10)]
      const arrivals: Array<number> = []
      const calls = yield* Effect.forEach(Array.from({ length: 200 }), (_, i) =>
        Effect.forkChild(
          withPlace(
            quota,
            { key, limits: ten },
            { maxWait: () => Infinity, ttl: () => 15_000 },
            (effect) => effect,
            // every other one arrives 9 seconds later
            Effect.andThen(Effect.delay(Clock.currentTimeMillis, i % 2 === 0 ? 0 : 9_000), (time) =>
              Effect.sync(() => arrivals.push(time))
            )
          )
        )
      )
      for (let second = 0; second < 1_500; second++) yield* TestClock.adjust("1 second")
      yield* Fiber.joinAll(calls)
      assert.isAtMost(
        most(
          arrivals.toSorted((a, b) => a - b),
          60_000
        ),
        10
      )
    })
  )

  it.effect("a limiter that fails stops nobody", () =>
    Effect.gen(function* () {
      const fail = Effect.fail(new Quota.QuotaError({ problem: "down" }))
      const broken = Quota.Quota.of({
        reserve: () => fail,
        complete: () => Effect.void,
        release: () => fail,
        remaining: () => fail,
        close: () => fail,
        isClosed: () => Effect.succeed(false)
      })
      assert.isTrue(yield* take(broken, 0))
    })
  )

  it.effect("leaves alone what only QQ can count", () =>
    Effect.gen(function* () {
      const quota = yield* Quota.makeMemory
      const counted = [Quota.perLifetime(1), Quota.perUser(1, "day")]
      for (let i = 0; i < 5; i++) assert.isTrue((yield* takeNow(quota, counted)).granted)
    })
  )
})
