/** Q2: waiting is visible and bounded; a full queue fails with the time to come back. */
import { assert, it } from "@effect/vitest"
import { codes } from "@qq-mini/core/Code"
import { post } from "@qq-mini/core/Endpoint"
import * as QQMini from "@qq-mini/core/QQMini"
import * as Quota from "@qq-mini/core/Quota"
import * as Security from "@qq-mini/core/Security"
import * as RedisStores from "@qq-mini/node/RedisStores"
import * as Sandbox from "@qq-mini/sandbox/Sandbox"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import { TestClock } from "effect/testing"
import { createClient } from "redis"
import { afterAll, beforeAll } from "vitest"
import { withPlace } from "../../../packages/core/src/call/place.ts"
import { Redis } from "../support/redis.ts"
import { check } from "../support/token.ts"

let redis: Redis
beforeAll(async () => {
  redis = await Redis.start()
})
afterAll(() => redis[Symbol.asyncDispose]())

it.live("Q2, D3: callers whose call QQ refused at different times wait, and spin for nothing", () =>
  Effect.gen(function* () {
    const [key, limits] = ["a spin", [Quota.perMinute(5)]]
    const counted = { key, limits }
    const one = yield* Effect.provide(Quota.Quota, yield* Layer.build(RedisStores.layer({ url: redis.url })))
    yield* one.close(counted)
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
    const waiting = { maxWait: () => 2_000, ttl: () => 15_000 }
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

it.effect("Q2: who does not wait is told when to come back", () =>
  Effect.gen(function* () {
    const sandbox = yield* Sandbox.Sandbox
    yield* sandbox.fault({ kind: "code", code: 45009, endpoint: "security.msgSecCheck" })
    const first = yield* Effect.flip(Security.msgSecCheck({ content: "x" }, { quota: "fail", attempts: 1 }))
    assert.strictEqual(first.reason._tag, "QuotaReached")
    const next = yield* Effect.flip(Security.msgSecCheck({ content: "x" }, { quota: "fail" }))
    assert.strictEqual(next.reason._tag, "QuotaReached")
    assert.isAbove(next.retryAfter!, 50_000)
    assert.strictEqual(yield* sandbox.count("security.msgSecCheck"), 1)
    assert.strictEqual(yield* QQMini.remaining(Security.msgSecCheck), 0)
    assert.strictEqual(yield* QQMini.remaining(Security.imgSecCheck), 2_000)
    yield* TestClock.adjust("1 minute")
    assert.strictEqual(yield* QQMini.remaining(Security.msgSecCheck), 3_999)
    yield* check
  }).pipe(Effect.provide(Sandbox.layer))
)

it.effect.each([45009, 45011])("Q2: QQ's own code %i reaches those whose call it closes, and closes no other", (code) =>
  Effect.gen(function* () {
    const sandbox = yield* Sandbox.Sandbox
    yield* sandbox.fault({ kind: "code", code, endpoint: "security.msgSecCheck" })
    const waiting = yield* Effect.forkChild(Effect.flip(Security.msgSecCheck({ content: "x" })))
    // more than the pause before the next attempt, for which there is no place
    yield* TestClock.adjust("1 second")
    const first = yield* Fiber.join(waiting)
    const next = yield* Effect.flip(Security.msgSecCheck({ content: "y" }))
    for (const { reason } of [first, next]) {
      assert.strictEqual(reason._tag, codes.find((one) => one.code === code)!.reason.prototype.name)
      assert.propertyVal(reason, "code", code)
    }
    for (const { retryAfter } of [first, next]) {
      assert.isAbove(retryAfter!, 50_000)
      assert.isBelow(retryAfter!, 60_000)
    }
    assert.strictEqual(yield* sandbox.count("security.msgSecCheck"), 1)
  }).pipe(Effect.provide(Sandbox.layer))
)

it.effect("Q2: a refusal because of one user closes nothing for the others", () =>
  Effect.gen(function* () {
    const sandbox = yield* Sandbox.Sandbox
    const { authorization, delivery, input, output, wire } = Security.msgSecCheck
    const ofUsers = post("security.msgSecCheck", "/api/json/security/MsgSecCheck", () => ({
      authorization,
      delivery,
      input,
      output,
      wire,
      appid: true,
      resultCodes: [87014],
      quota: [Quota.perMinute(100), Quota.perUser(1, "minute")]
    }))
    for (const [code, closes] of [
      [45011, false],
      [45009, true]
    ] as const) {
      yield* sandbox.fault({ kind: "code", code, endpoint: "security.msgSecCheck" })
      assert.strictEqual((yield* Effect.flip(ofUsers({ content: "x" }, { attempts: 1 }))).code, code)
      assert.strictEqual((yield* QQMini.remaining(ofUsers)) === 0, closes)
    }
  }).pipe(Effect.provide(Sandbox.layer))
)
