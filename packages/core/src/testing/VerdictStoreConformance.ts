/**
 * The contract of `VerdictStore` as test cases for any store, with any test runner:
 *
 * ```ts
 * for (const { name, run } of VerdictStoreConformance.cases) {
 *   it.live(name, () => Effect.provide(run, myStore))
 * }
 * ```
 *
 * The cases use keys with random names, and do not delete them.
 */
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import { VerdictStore, type VerdictStoreError } from "../VerdictStore.ts"
import { type NotConforming, same } from "./TokenCacheConformance.ts"

/** One test case of the contract. */
export interface Case {
  /** The name of the test: the required behaviour. */
  readonly name: string
  /** Tests the provided store. Fails with `NotConforming` if it breaks the contract. */
  readonly run: Effect.Effect<void, NotConforming | VerdictStoreError, VerdictStore>
}

type Failure = NotConforming | VerdictStoreError
type Body = (store: VerdictStore["Service"], key: string) => Effect.Effect<void, Failure>

const ttl = 60_000

const make = (name: string, body: Body): Case => ({
  name,
  run: Effect.gen(function* () {
    const key = `conformance:${yield* Random.nextIntBetween(0, 2 ** 48)}`
    yield* body(yield* VerdictStore, key)
  })
})

/** Waits until the store gives the claim, because its clock can't be controlled. */
const untilClaimed = (store: VerdictStore["Service"], key: string, owner: string): Effect.Effect<void, Failure> =>
  Effect.flatMap(store.claim(key, { owner, ttl }), (found) =>
    found === "claimed" ? Effect.void : Effect.delay(untilClaimed(store, key, owner), 20)
  )

/** The test cases. */
export const cases: ReadonlyArray<Case> = [
  make(
    "a key is claimed by one of many, and by nobody while it has a value",
    Effect.fnUntraced(function* (store, key) {
      const owners = ["a", "b", "c", "d", "e"]
      const claims = yield* Effect.forEach(owners, (owner) => store.claim(key, { owner, ttl }), {
        concurrency: "unbounded"
      })
      yield* same(claims.filter((found) => found === "claimed").length, 1, "claims that have the key")
      yield* same(claims.filter((found) => found === "busy").length, 4, "claims that find it busy")
      yield* same(yield* store.get(key), undefined, "value of a key that is claimed")
      yield* store.put(key, { value: "通过 ✓", ttl })
      yield* same(yield* store.get(key), "通过 ✓", "value")
      for (const owner of owners) yield* same(yield* store.claim(key, { owner, ttl }), "kept", `claim of ${owner}`)
      yield* same(yield* store.get(`${key}2`), undefined, "value of another key")
      yield* same(yield* store.claim(`${key}2`, { owner: "a", ttl }), "claimed", "claim of another key")
    })
  ),
  make(
    "a value is replaced, and not ended by a claim or a release",
    Effect.fnUntraced(function* (store, key) {
      yield* store.put(key, { value: "old", ttl })
      yield* store.put(key, { value: "new", ttl })
      yield* store.claim(key, { owner: "a", ttl: 50 })
      yield* store.release(key, { owner: "a" })
      // When a claim of the same length has ended, that of `a` would have ended too.
      yield* store.claim(`${key}2`, { owner: "a", ttl: 50 })
      yield* untilClaimed(store, `${key}2`, "b")
      yield* same(yield* store.get(key), "new", "value")
    })
  ),
  make(
    "an owner that claims again extends its claim, and ends it alone",
    Effect.fnUntraced(function* (store, key) {
      yield* same(yield* store.claim(key, { owner: "a", ttl: 50 }), "claimed", "claim")
      yield* same(yield* store.claim(key, { owner: "a", ttl }), "claimed", "second claim")
      yield* store.claim(`${key}2`, { owner: "a", ttl: 50 })
      yield* untilClaimed(store, `${key}2`, "b")
      yield* store.release(key, { owner: "b" })
      yield* same(yield* store.claim(key, { owner: "b", ttl }), "busy", "claim of b")
      yield* store.release(key, { owner: "a" })
      yield* same(yield* store.claim(key, { owner: "b", ttl }), "claimed", "claim of b after the release")
    })
  ),
  make(
    "a claim ends with its time, and so does a value",
    Effect.fnUntraced(function* (store, key) {
      yield* store.claim(key, { owner: "a", ttl: 50 })
      yield* untilClaimed(store, key, "b")
      // The late owner takes nothing from the one that followed.
      yield* store.release(key, { owner: "a" })
      yield* same(yield* store.claim(key, { owner: "c", ttl }), "busy", "claim of c")
      yield* store.put(key, { value: "old", ttl: 50 })
      yield* untilClaimed(store, key, "c")
      yield* same(yield* store.get(key), undefined, "value after its time")
    })
  )
]
