/**
 * Compare-and-swap for stores whose database has no transaction, but replaces a document only if it is still the version
 * that was read.
 */
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import { type Kept, TokenCacheError } from "../TokenCache.ts"

/** One operation of a store on one document. `Seen` is the document as it was read, with whatever identifies its version. */
export interface Swap<Seen, A> {
  /** Names the operation in the error. */
  readonly operation: TokenCacheError["operation"]
  /** Reads the document and its version. */
  readonly read: Effect.Effect<Seen, TokenCacheError>
  /** Gives the operation's result, and the new document unless it stays as it is. Runs again after a lost attempt. */
  readonly decide: (seen: Seen) => Effect.Effect<readonly [result: A, next?: Kept], TokenCacheError>
  /** Replaces the version that was read. Gives `false`, and changes nothing, if the document has another version by now. */
  readonly replace: (seen: Seen, next: Kept) => Effect.Effect<boolean, TokenCacheError>
}

const maxAttempts = 40
// each lost attempt makes the longest possible pause this much longer
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
    // T9: these are separate steps, so that an operation whose caller has gone changes nothing any more
    const seen = yield* read
    const [result, next] = yield* decide(seen)
    if (next === undefined || (yield* replace(seen, next))) return result
    yield* Effect.sleep((yield* Random.next) * pauseStepMillis * attempt)
  }
  return yield* new TokenCacheError({ operation, problem: "too-many-writers" })
})
