/**
 * The contract of `PushStore` as test cases for any store, with any test runner:
 *
 * ```ts
 * for (const { name, run } of PushStoreConformance.cases) {
 *   it.live(name, () => Effect.provide(run, myStore))
 * }
 * ```
 *
 * The cases use messages with random names, and do not delete them.
 */
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import { PushStore, type PushStoreError } from "../PushStore.ts"
import { type NotConforming, same } from "./TokenCacheConformance.ts"

/** One test case of the contract. */
export interface Case {
  /** The name of the test: the required behaviour. */
  readonly name: string
  /** Tests the provided store. Fails with `NotConforming` if it breaks the contract. */
  readonly run: Effect.Effect<void, NotConforming | PushStoreError, PushStore>
}

type Failure = NotConforming | PushStoreError
type Body = (store: PushStore["Service"], key: string) => Effect.Effect<void, Failure>

const ttl = 60_000

const make = (name: string, body: Body): Case => ({
  name,
  run: Effect.gen(function* () {
    const key = `${yield* Random.nextIntBetween(0, 2 ** 48)}:conformance`
    yield* body(yield* PushStore, key)
  })
})

/** Waits until the store gives the claim, because its clock can't be controlled. */
const untilFirst = (store: PushStore["Service"], key: string, owner: string): Effect.Effect<void, PushStoreError> =>
  Effect.flatMap(store.claim(key, { owner, ttl }), (found) =>
    found === "first" ? Effect.void : Effect.delay(untilFirst(store, key, owner), 20)
  )

/** The test cases. */
export const cases: ReadonlyArray<Case> = [
  make(
    "a message is claimed by one of many, and by nobody once it is done",
    Effect.fnUntraced(function* (store, key) {
      const owners = ["a", "b", "c", "d", "e"]
      const claims = yield* Effect.forEach(owners, (owner) => store.claim(key, { owner, ttl }), {
        concurrency: "unbounded"
      })
      yield* same(claims.filter((found) => found === "first").length, 1, "claims that are the first")
      yield* same(claims.filter((found) => found === "busy").length, 4, "claims that find it busy")
      yield* store.done(key, { ttl })
      for (const owner of owners) yield* same(yield* store.claim(key, { owner, ttl }), "done", `claim of ${owner}`)
      yield* same(yield* store.claim(`${key}2`, { owner: "a", ttl }), "first", "claim of another message")
    })
  ),
  make(
    "an owner that claims again extends its claim",
    Effect.fnUntraced(function* (store, key) {
      yield* same(yield* store.claim(key, { owner: "a", ttl: 50 }), "first", "claim")
      yield* same(yield* store.claim(key, { owner: "a", ttl }), "first", "second claim")
      // When a later claim of the same length has ended, the first one would have ended too.
      yield* store.claim(`${key}2`, { owner: "a", ttl: 50 })
      yield* untilFirst(store, `${key}2`, "b")
      yield* same(yield* store.claim(key, { owner: "b", ttl }), "busy", "claim of b")
    })
  ),
  make(
    "a claim is ended by its owner alone, and what is done stays done",
    Effect.fnUntraced(function* (store, key) {
      yield* store.claim(key, { owner: "a", ttl })
      yield* store.release(key, { owner: "b" })
      yield* same(yield* store.claim(key, { owner: "b", ttl }), "busy", "claim of b")
      yield* store.release(key, { owner: "a" })
      yield* same(yield* store.claim(key, { owner: "b", ttl }), "first", "claim of b after the release")
      yield* store.done(key, { ttl })
      yield* store.release(key, { owner: "b" })
      yield* same(yield* store.claim(key, { owner: "a", ttl }), "done", "claim after it is done")
    })
  ),
  make(
    "a claim ends with its time, and so does the memory of what was done",
    Effect.fnUntraced(function* (store, key) {
      yield* store.claim(key, { owner: "a", ttl: 50 })
      yield* untilFirst(store, key, "b")
      // The late owner takes nothing from the one that followed.
      yield* store.release(key, { owner: "a" })
      yield* same(yield* store.claim(key, { owner: "c", ttl }), "busy", "claim of c")
      yield* store.done(key, { ttl: 50 })
      yield* untilFirst(store, key, "c")
    })
  )
]
