import { assert, describe, it } from "@effect/vitest"
import * as TokenCache from "@qq-mini/core/TokenCache"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { TestClock } from "effect/testing"

const app = "1112345678:fingerprint"
const token = (text: string) => Redacted.make(text)
const show = (slot: TokenCache.Slot) => slot.token && Redacted.value(slot.token)

describe("TokenCache in memory", () => {
  const leased = Effect.fnUntraced(function* (
    cache: TokenCache.TokenCache["Service"],
    owner: string,
    generation: number
  ) {
    assert.isTrue(yield* cache.lease(app, { owner, generation, ttl: 20_000 }))
    return (text: string, ttl = 1_000) => cache.write(app, { owner, generation, token: token(text), ttl })
  })

  it.effect("T2: only who holds the lease and knows the newest generation may write", () =>
    Effect.gen(function* () {
      const cache = yield* TokenCache.makeMemory
      assert.isUndefined(yield* cache.write(app, { owner: "x", generation: 0, token: token("no lease"), ttl: 1_000 }))
      const write = yield* leased(cache, "a", 0)
      const first = (yield* write("one"))!
      assert.isUndefined(yield* write("late"))
      assert.strictEqual(show(yield* cache.read(app)), "one")
      const second = (yield* (yield* leased(cache, "b", first))("two"))!
      assert.isAbove(second, first)
      assert.isUndefined(yield* write("later still"))
      assert.strictEqual(show(yield* cache.read(app)), "two")
    })
  )

  it.effect("T2: who lost the lease to another writes no more, even when the other has not written yet", () =>
    Effect.gen(function* () {
      const cache = yield* TokenCache.makeMemory
      const slow = yield* leased(cache, "slow", 0)
      yield* TestClock.adjust("20 seconds")
      const other = yield* leased(cache, "other", 0)
      assert.isUndefined(yield* slow("older"))
      assert.isDefined(yield* other("newer"))
      assert.strictEqual(show(yield* cache.read(app)), "newer")
    })
  )

  it.effect("T2: a lease that ran out and that nobody took over still lets its owner write", () =>
    Effect.gen(function* () {
      const cache = yield* TokenCache.makeMemory
      const write = yield* leased(cache, "slow", 0)
      yield* TestClock.adjust("1 minute")
      assert.isDefined(yield* write("one"))
    })
  )

  it.effect("T3: only the token that failed is removed", () =>
    Effect.gen(function* () {
      const cache = yield* TokenCache.makeMemory
      const first = (yield* (yield* leased(cache, "a", 0))("one"))!
      const second = (yield* (yield* leased(cache, "b", first))("two"))!
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
      yield* cache.release(app, { owner: "b" })
      assert.strictEqual((yield* cache.read(app)).leasedFor, 20_000)
      yield* TestClock.adjust(19_999)
      assert.isFalse(yield* lease("b"))
      yield* TestClock.adjust(1)
      assert.isTrue(yield* lease("b"))
      yield* cache.release(app, { owner: "b" })
      assert.strictEqual((yield* cache.read(app)).leasedFor, 0)
      assert.isFalse(yield* lease("c", 42))
    })
  )

  it.effect("T10: the store's own clock ends a token", () =>
    Effect.gen(function* () {
      const cache = yield* TokenCache.makeMemory
      yield* (yield* leased(cache, "a", 0))("one", 7_200_000)
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
      yield* (yield* leased(cache, "a", 0))("one")
      assert.isUndefined((yield* cache.read("1198765432:x")).token)
    })
  )
})
