/**
 * The contract of `TokenCache` as test cases for any store, with any test runner:
 *
 * ```ts
 * for (const { name, run } of TokenCacheConformance.cases) {
 *   it.live(name, () => Effect.provide(run, myStore))
 * }
 * ```
 *
 * The cases use slots with random names, and do not delete them. They take a few seconds of real time, because a
 * store's clock can't be controlled. None depends on how fast a store answers.
 */
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import { type Key, type Slot, TokenCache, type TokenCacheError } from "../TokenCache.ts"

/** The error of a store or limiter that breaks its contract: the expected and the actual result. */
export class NotConforming extends Data.TaggedError("NotConforming")<{
  readonly expected: string
  readonly found: unknown
}> {
  override get message(): string {
    return `expected ${this.expected}, found ${JSON.stringify(this.found)}`
  }
}

/** One test case of the contract. */
export interface Case {
  /** The name of the test: the law and the required behaviour. */
  readonly name: string
  /** Tests the provided store. Fails with {@link NotConforming} if it breaks the contract. */
  readonly run: Effect.Effect<void, NotConforming | TokenCacheError, TokenCache>
}

type Store = TokenCache["Service"]
type Body = (store: Store, key: Key) => Effect.Effect<void, NotConforming | TokenCacheError, Scope.Scope>

/** Fails with {@link NotConforming} unless the condition holds. */
export const expect = (holds: boolean, expected: string, found: unknown): Effect.Effect<void, NotConforming> =>
  holds ? Effect.void : Effect.fail(new NotConforming({ expected, found }))

/** Fails with {@link NotConforming} unless both values are the same by `Object.is`. */
export const same = (found: unknown, expected: unknown, what: string) =>
  expect(Object.is(found, expected), `${what}: ${JSON.stringify(expected)}`, found)

const tokenOf = ({ token }: Slot) => (token === undefined ? undefined : Redacted.value(token))

const randomKey = Effect.map(Random.nextIntBetween(0, 2 ** 48), (n): Key => `${n}:conformance`)

const minuteMillis = 60_000

const lease = (store: Store, key: Key, owner: string, generation: number, ttl = minuteMillis) =>
  store.lease(key, { owner, generation, ttl })

const write = (
  store: Store,
  key: Key,
  owner: string,
  generation: number,
  token: string,
  ttl = minuteMillis,
  history = ""
) => store.write(key, { owner, generation, token: Redacted.make(token), ttl, history })

/** Takes a lease and writes a token. Returns the generation. */
const put = (store: Store, key: Key, owner: string, generation: number, token: string, ttl = minuteMillis) =>
  Effect.gen(function* () {
    yield* same(yield* lease(store, key, owner, generation), true, `lease of ${owner}`)
    const written = yield* write(store, key, owner, generation, token, ttl)
    yield* expect(written !== undefined && written > generation, "a larger generation from write", written)
    return written!
  })

const make = (name: string, body: Body): Case => ({
  name,
  run: Effect.scoped(Effect.flatMap(TokenCache, (store) => Effect.flatMap(randomKey, (key) => body(store, key))))
})

/** The test cases. */
export const cases: ReadonlyArray<Case> = [
  make(
    "a slot that nobody wrote is empty",
    Effect.fnUntraced(function* (store, key) {
      const slot = yield* store.read(key)
      yield* same(slot.generation, 0, "generation")
      yield* same(tokenOf(slot), undefined, "token")
      yield* same(slot.expiresIn, 0, "expiresIn")
      yield* same(slot.leasedFor, 0, "leasedFor")
      yield* same(slot.history, "", "history")
      yield* same(yield* store.remove(key, { generation: 0 }), false, "remove")
    })
  ),
  make(
    "gives back what was written: token, history and times",
    Effect.fnUntraced(function* (store, key) {
      const token = `${"tok+/=%\"'\\{}&?".repeat(200)}~`
      const history = `{"d":0,"f":[${"1763800000000,".repeat(60)}1],"x":"'\\"\\\\ 汉字"}`
      const ttl = 120 * minuteMillis
      yield* lease(store, key, "a", 0)
      const generation = yield* write(store, key, "a", 0, token, ttl, history)
      const slot = yield* store.read(key)
      yield* same(slot.generation, generation, "generation")
      yield* same(tokenOf(slot), token, "token")
      yield* same(slot.history, history, "history")
      yield* same(slot.lifetime, ttl, "lifetime")
      yield* expect(
        slot.expiresIn <= ttl && slot.expiresIn > ttl - minuteMillis,
        "expiresIn near the ttl",
        slot.expiresIn
      )
      yield* same(slot.leasedFor, 0, "leasedFor after write")
    })
  ),
  make(
    "T2: who has no lease does not write",
    Effect.fnUntraced(function* (store, key) {
      yield* same(yield* write(store, key, "a", 0, "one"), undefined, "write without a lease")
      yield* lease(store, key, "a", 0)
      yield* same(yield* write(store, key, "b", 0, "one"), undefined, "write with another's lease")
      yield* same(tokenOf(yield* store.read(key)), undefined, "token")
    })
  ),
  make(
    "T2: an older generation does not replace a newer one",
    Effect.fnUntraced(function* (store, key) {
      const first = yield* put(store, key, "a", 0, "one")
      yield* same(yield* write(store, key, "a", 0, "late"), undefined, "late write")
      yield* same(yield* lease(store, key, "b", 0), false, "lease for an old generation")
      const second = yield* put(store, key, "b", first, "two")
      yield* same(yield* write(store, key, "a", 0, "later"), undefined, "later write")
      yield* same(yield* write(store, key, "b", first, "again"), undefined, "second write under one lease")
      const slot = yield* store.read(key)
      yield* same(tokenOf(slot), "two", "token")
      yield* same(slot.generation, second, "generation")
    })
  ),
  make(
    "T2: who lost the lease to another writes no more, though the other has not written yet",
    Effect.fnUntraced(function* (store, key) {
      yield* lease(store, key, "slow", 0, 100)
      yield* Effect.sleep(300)
      yield* same(yield* lease(store, key, "other", 0), true, "lease of the other")
      yield* same(yield* write(store, key, "slow", 0, "older"), undefined, "write of the slow one")
      const written = yield* write(store, key, "other", 0, "newer")
      yield* expect(written !== undefined, "the other's write to be taken", written)
      yield* same(tokenOf(yield* store.read(key)), "newer", "token")
    })
  ),
  make(
    "T2: a lease that ran out and that nobody took over still lets its owner write",
    Effect.fnUntraced(function* (store, key) {
      yield* lease(store, key, "slow", 0, 100)
      yield* Effect.sleep(300)
      const written = yield* write(store, key, "slow", 0, "one")
      yield* expect(written !== undefined, "the write to be taken", written)
    })
  ),
  make(
    "T3: only the token of this generation is removed, and the generation stays",
    Effect.fnUntraced(function* (store, key) {
      const first = yield* put(store, key, "a", 0, "one")
      const second = yield* put(store, key, "b", first, "two")
      yield* same(yield* store.remove(key, { generation: first }), false, "remove of an older one")
      yield* same(tokenOf(yield* store.read(key)), "two", "token")
      yield* same(yield* store.remove(key, { generation: second }), true, "remove")
      yield* same(yield* store.remove(key, { generation: second }), false, "second remove")
      const slot = yield* store.read(key)
      yield* same(tokenOf(slot), undefined, "token")
      yield* same(slot.expiresIn, 0, "expiresIn")
      yield* same(slot.generation, second, "generation")
      yield* same(slot.lifetime, minuteMillis, "lifetime")
      yield* put(store, key, "c", second, "three")
    })
  ),
  make(
    "T9: a lease keeps others out, until it is given back",
    Effect.fnUntraced(function* (store, key) {
      yield* same(yield* lease(store, key, "a", 42), false, "lease for a generation that never was")
      yield* same(yield* lease(store, key, "a", 0), true, "lease")
      yield* same(yield* lease(store, key, "b", 0), false, "lease of another")
      const { leasedFor } = yield* store.read(key)
      yield* expect(leasedFor > 0 && leasedFor <= minuteMillis, "leasedFor within the ttl", leasedFor)
      yield* store.release(key, { owner: "b" })
      yield* same(yield* lease(store, key, "b", 0), false, "lease after another's release")
      yield* store.release(key, { owner: "a" })
      yield* same((yield* store.read(key)).leasedFor, 0, "leasedFor after release")
      yield* same(yield* lease(store, key, "b", 0), true, "lease after release")
    })
  ),
  make(
    "T9: a lease may be asked for again by its owner, and runs on from then",
    Effect.fnUntraced(function* (store, key) {
      yield* lease(store, key, "a", 0, 100)
      yield* same(yield* lease(store, key, "a", 0), true, "second lease")
      yield* Effect.sleep(300)
      yield* same(yield* lease(store, key, "b", 0), false, "lease of another")
    })
  ),
  make(
    "T9: a lease ends by itself",
    Effect.fnUntraced(function* (store, key) {
      yield* lease(store, key, "a", 0, 200)
      yield* Effect.sleep(500)
      yield* same((yield* store.read(key)).leasedFor, 0, "leasedFor")
      yield* same(yield* lease(store, key, "b", 0), true, "lease of another")
    })
  ),
  make(
    "T10: a token ends by the store's clock",
    Effect.fnUntraced(function* (store, key) {
      const generation = yield* put(store, key, "a", 0, "one", 200)
      yield* Effect.sleep(500)
      const slot = yield* store.read(key)
      yield* same(tokenOf(slot), undefined, "token")
      yield* same(slot.expiresIn, 0, "expiresIn")
      yield* same(slot.generation, generation, "generation")
      yield* put(store, key, "b", generation, "two")
    })
  ),
  make(
    "T10: the store tells its time, and a generation is the time of its writing",
    Effect.fnUntraced(function* (store, key) {
      const before = yield* store.read(key)
      const [slept] = yield* Effect.timed(Effect.sleep(300))
      const generation = yield* put(store, key, "a", 0, "one")
      const [rest, after] = yield* Effect.timed(store.read(key))
      const passed = after.now - before.now
      // This case can't detect a clock that is changed meanwhile.
      yield* expect(
        passed >= 250 && passed < Duration.toMillis(Duration.sum(slept, rest)) + minuteMillis,
        "time",
        passed
      )
      yield* expect(generation >= before.now && generation <= after.now + 1, "a time between", {
        generation,
        before: before.now,
        after: after.now
      })
    })
  ),
  make(
    "keeps slots apart",
    Effect.fnUntraced(function* (store, key) {
      yield* put(store, key, "a", 0, "one")
      yield* same((yield* store.read(`x${key}`)).generation, 0, "generation of another slot")
      yield* same(yield* lease(store, `x${key}`, "a", 0), true, "lease of another slot")
      yield* same(tokenOf(yield* store.read(key)), "one", "token")
    })
  ),
  make(
    "T1: of many at once one gets the lease, and one writes",
    Effect.fnUntraced(function* (store, key) {
      const many = Array.from({ length: 50 }, (_, i) => `owner${i}`)
      const all = { concurrency: "unbounded" } as const
      let generation = 0
      for (let round = 1; round <= 3; round++) {
        const leased = yield* Effect.filter(many, (owner) => lease(store, key, owner, generation), all)
        yield* same(leased.length, 1, "leases given")
        const written = yield* Effect.forEach(many, (owner) => write(store, key, owner, generation, owner), all)
        const generations = written.filter((one) => one !== undefined)
        yield* same(generations.length, 1, "writes taken")
        yield* same(tokenOf(yield* store.read(key)), leased[0], "token")
        generation = generations[0]!
      }
    })
  ),
  make(
    "wakes who watches a slot, if the store can call",
    Effect.fnUntraced(function* (store, key) {
      if (store.watch === undefined) return
      const changed = yield* store.watch(key)
      const within = (what: string) =>
        Effect.timeoutOrElse(changed, {
          duration: "10 seconds",
          orElse: () => expect(false, `to be woken by ${what}`, "nothing within 10 seconds")
        })
      yield* put(store, key, "a", 0, "one")
      yield* within("a write")
      const { generation } = yield* store.read(key)
      yield* lease(store, key, "b", generation)
      yield* store.release(key, { owner: "b" })
      yield* within("a release")
    })
  )
]
