/**
 * Compare-and-swap, for databases without transactions that can replace a document on condition that its version has
 * not changed.
 */
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import { type SlotDocument, TokenCacheError } from "../TokenCache.ts"

/** One operation of a store on one document. `Seen` is the document as it was read, with its version. */
export interface Swap<Seen, A> {
  /** The name of the operation in the error. */
  readonly operation: TokenCacheError["operation"]
  /** Reads the document and its version. */
  readonly read: Effect.Effect<Seen, TokenCacheError>
  /** Returns the operation's result and, if the document changes, the new document. Runs again after a lost attempt. */
  readonly decide: (seen: Seen) => Effect.Effect<readonly [result: A, next?: SlotDocument], TokenCacheError>
  /**
   * Replaces the version that was read. Returns `false` and changes nothing if the document has another version now.
   */
  readonly replace: (seen: Seen, next: SlotDocument) => Effect.Effect<boolean, TokenCacheError>
}

const maxAttempts = 40
// Each lost attempt increases the upper bound of the pause by this much.
const pauseStepMillis = 10

/**
 * Reads, decides and replaces until no other writer was faster, with a random pause after each lost attempt. After 40
 * attempts it fails with the problem `too-many-writers`. Interrupting it starts no further read or replacement.
 */
export const swap = Effect.fnUntraced(function* <Seen, A>({
  decide,
  operation,
  read,
  replace
}: Swap<Seen, A>): Effect.fn.Return<A, TokenCacheError> {
  for (let attempt = 0; attempt < maxAttempts; attempt++) {
    // T9: separate effects, so that an interrupted operation does not change the store any more.
    const seen = yield* read
    const [result, next] = yield* decide(seen)
    if (next === undefined || (yield* replace(seen, next))) return result
    yield* Effect.sleep((yield* Random.next) * pauseStepMillis * attempt)
  }
  return yield* new TokenCacheError({ operation, problem: "too-many-writers" })
})
