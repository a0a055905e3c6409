/** T10, time is the store's: no decision across processes trusts two machines' clocks to agree. */
import { assert, it } from "@effect/vitest"
import * as Quota from "@qq-mini/core/Quota"
import * as RedisStores from "@qq-mini/node/RedisStores"
import * as Effect from "effect/Effect"
import { createClient } from "redis"
import { afterAll, beforeAll } from "vitest"
import { reserve } from "../support/places.ts"
import { Redis } from "../support/redis.ts"

let redis: Redis
beforeAll(async () => {
  redis = await Redis.start()
})
afterAll(() => redis[Symbol.asyncDispose]())

it.live("T10: a place that a clock took an hour ahead holds up nobody", () =>
  Effect.gen(function* () {
    const limits = [Quota.perMinute(10)]
    const client = createClient({ url: redis.url })
    yield* Effect.promise(() => client.connect())
    const slot = String(Math.floor((Date.now() + 3_600_000) / (60_000 / 64)))
    yield* Effect.promise(() => client.hSet("qq-mini:quota:{a clock}:10/minute", slot, "1"))
    const place = yield* Effect.provide(reserve("a clock", limits), RedisStores.layer({ url: redis.url }))
    assert.isTrue(place.granted)
    yield* Effect.promise(() => client.close())
  })
)
