/** The limiter on Redis while Redis is away, on a runtime that may drop the request that asks. */
import { assert, it } from "@effect/vitest"
import * as Quota from "@qq-mini/core/Quota"
import * as RedisQuota from "@qq-mini/core/RedisQuota"
import * as RedisTokenCache from "@qq-mini/core/RedisTokenCache"
import * as Effect from "effect/Effect"
import * as Redis from "effect/persistence/Redis"
import { TestClock } from "effect/testing"
import { dropped } from "./support/serverless.ts"

it.effect("Q1: a Redis that is away is asked by one call a second, also when that call is dropped", () =>
  Effect.gen(function* () {
    let asked = 0
    const away = Effect.fail(new Redis.RedisError({ cause: new Error("away") }))
    let answer: Effect.Effect<never, Redis.RedisError> = away
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
    yield* dropped(reserve)
    assert.strictEqual(asked, 2)
    yield* reserveTenTimes
    assert.strictEqual(asked, 2)
    yield* TestClock.adjust("1 second")
    answer = away
    yield* reserveTenTimes
    assert.strictEqual(asked, 3)
  })
)
