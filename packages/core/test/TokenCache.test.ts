import { assert, describe, it } from "@effect/vitest"
import * as TokenCache from "@qq-mini/core/TokenCache"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { TestClock } from "effect/testing"

const app = "1112345678"
const token = (text: string) => Redacted.make(text)
const show = (slot: TokenCache.Slot) => slot.token && Redacted.value(slot.token)

describe("TokenCache in memory", () => {
  it.effect("T2: only who knows the newest generation may write", () =>
    Effect.gen(function* () {
      const cache = yield* TokenCache.makeMemory
      const first = yield* cache.write(app, { owner: "a", generation: 0, token: token("one"), ttl: 1_000 })
      assert.isDefined(first)
      assert.isUndefined(yield* cache.write(app, { owner: "b", generation: 0, token: token("late"), ttl: 1_000 }))
      assert.strictEqual(show(yield* cache.read(app)), "one")
      const second = yield* cache.write(app, { owner: "b", generation: first!, token: token("two"), ttl: 1_000 })
      assert.isAbove(second!, first!)
      assert.strictEqual(show(yield* cache.read(app)), "two")
    })
  )

  it.effect("T3: only the token that failed is removed", () =>
    Effect.gen(function* () {
      const cache = yield* TokenCache.makeMemory
      const first = (yield* cache.write(app, { owner: "a", generation: 0, token: token("one"), ttl: 1_000 }))!
      const second = (yield* cache.write(app, { owner: "a", generation: first, token: token("two"), ttl: 1_000 }))!
      assert.isFalse(yield* cache.remove(app, { generation: first }))
      assert.strictEqual(show(yield* cache.read(app)), "two")
      assert.isTrue(yield* cache.remove(app, { generation: second }))
      assert.isFalse(yield* cache.remove(app, { generation: second }))
      const slot = yield* cache.read(app)
      assert.isUndefined(slot.token)
      assert.strictEqual(slot.generation, second)
    })
  )

  it.effect("T9: a lease keeps others out until it ends, and no longer", () =>
    Effect.gen(function* () {
      const cache = yield* TokenCache.makeMemory
      const lease = (owner: string, generation = 0) => cache.lease(app, { owner, generation, ttl: 20_000 })
      assert.isTrue(yield* lease("a"))
      assert.isFalse(yield* lease("b"))
      assert.isTrue(yield* lease("a"))
      yield* cache.release(app, { owner: "b" })
      assert.strictEqual((yield* cache.read(app)).leasedFor, 20_000)
      yield* TestClock.adjust(19_999)
      assert.isFalse(yield* lease("b"))
      yield* TestClock.adjust(1)
      assert.isTrue(yield* lease("b"))
      // the first holder comes back late: its write still counts only by the generation
      assert.isDefined(yield* cache.write(app, { owner: "b", generation: 0, token: token("b"), ttl: 1_000 }))
      assert.isUndefined(yield* cache.write(app, { owner: "a", generation: 0, token: token("a"), ttl: 1_000 }))
      assert.isFalse(yield* lease("c", 0))
    })
  )

  it.effect("T10: the store's own clock ends a token", () =>
    Effect.gen(function* () {
      const cache = yield* TokenCache.makeMemory
      yield* cache.write(app, { owner: "a", generation: 0, token: token("one"), ttl: 7_200_000 })
      yield* TestClock.adjust(7_199_999)
      assert.strictEqual((yield* cache.read(app)).expiresIn, 1)
      yield* TestClock.adjust(1)
      const slot = yield* cache.read(app)
      assert.isUndefined(slot.token)
      assert.strictEqual(slot.expiresIn, 0)
    })
  )

  it.effect("keeps programs apart", () =>
    Effect.gen(function* () {
      const cache = yield* TokenCache.makeMemory
      yield* cache.write(app, { owner: "a", generation: 0, token: token("one"), ttl: 1_000 })
      assert.isUndefined((yield* cache.read("1198765432")).token)
    })
  )
})
