/**
 * Where tokens are kept: the interface every store implements, and the store in memory.
 *
 * A store holds, for each program, one slot: the current token with its generation, and a lease that says who is
 * fetching the next one. T10: every operation is atomic, and every length of time is measured by the store's own clock,
 * so that no two machines need to agree on the time. `@qq-mini/core/testing/TokenCacheConformance` tells whether a
 * store keeps this contract.
 */
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import { monotonicMillis } from "./internal/time.ts"
import type { InvalidConfig } from "./reason/client.ts"

/** A store that could not do what it was asked. `problem` holds no secret. */
export class TokenCacheError extends Data.TaggedError("TokenCacheError")<{
  readonly operation: "read" | "lease" | "write" | "remove" | "release" | "watch"
  readonly problem: string
  /** What is wrong with the settings, where the store can't ever have worked with them: that is no outage to bridge. */
  readonly config?: InvalidConfig | undefined
}> {
  override get message(): string {
    return `TokenCache.${this.operation}: ${this.problem}`
  }
}

/**
 * Which slot: the appid, `:`, and a fingerprint of the secret and of where QQ is, so that a wrong secret never meets the
 * right one's token, nor a sandbox QQ's. The fingerprint can't be turned back into the secret. A store in the format of
 * other software, which knows no fingerprint, takes the part before the `:`.
 */
export type Key = string

/** One program's slot as the store saw it at one moment. */
export interface Slot {
  /**
   * Grows with every token written, also when the store lost its content in between (start again from the store's time
   * in milliseconds). 0 when there never was a token.
   */
  readonly generation: number
  /** The current token, unless there is none or its time is over. */
  readonly token: Redacted.Redacted<string> | undefined
  /** Milliseconds the token was given in all. */
  readonly lifetime: number
  /** Milliseconds the token still has. 0 without a token. */
  readonly expiresIn: number
  /** Milliseconds the present lease still runs. 0 when nobody holds it. */
  readonly leasedFor: number
  /** The store's own time in milliseconds. Only differences count, also with generations. */
  readonly now: number
  /** What the last writer wrote down about the tokens so far; `""` in the beginning. It holds no secret. */
  readonly history: string
}

/** The service that a store implements. All lengths of time are milliseconds. */
export class TokenCache extends Context.Service<
  TokenCache,
  {
    /** The slot as it is now. */
    readonly read: (key: Key) => Effect.Effect<Slot, TokenCacheError>
    /**
     * Takes the lease for `ttl`, if the generation is still the expected one and nobody else's lease is running. An owner
     * is one fetch; when it asks again, its lease runs on from then.
     */
    readonly lease: (
      key: Key,
      options: { readonly owner: string; readonly generation: number; readonly ttl: number }
    ) => Effect.Effect<boolean, TokenCacheError>
    /**
     * Stores a token with a new, larger generation (the store's time, or one more where that is not larger) and ends the
     * lease, if the generation is still the expected one and this owner was the last to take the lease (it may have run
     * out since, as long as nobody took it over). Gives the new generation, or `undefined` when it did not: an older token
     * never replaces a newer.
     */
    readonly write: (
      key: Key,
      options: {
        readonly owner: string
        readonly generation: number
        readonly token: Redacted.Redacted<string>
        readonly ttl: number
        /** For {@link Slot.history}: at most 1,000 characters. */
        readonly history: string
      }
    ) => Effect.Effect<number | undefined, TokenCacheError>
    /** Removes the token of this generation; leaves any other alone. Gives whether it did. */
    readonly remove: (key: Key, options: { readonly generation: number }) => Effect.Effect<boolean, TokenCacheError>
    /** Ends the lease if this owner holds it. */
    readonly release: (key: Key, options: { readonly owner: string }) => Effect.Effect<void, TokenCacheError>
    /**
     * For stores that can call: gives an effect that completes when the slot was written or a lease given back since it
     * last completed. Calls may get lost, so nobody relies on them alone. Without it holders look again now and then.
     */
    readonly watch?: ((key: Key) => Effect.Effect<Effect.Effect<void>, TokenCacheError, Scope.Scope>) | undefined
    /**
     * For stores shared with software that fetches more often than a token's life asks for: no token is used longer than
     * so many milliseconds.
     */
    readonly maxLifetime?: number | undefined
  }
>()("@qq-mini/core/TokenCache") {}

/** A slot as a store keeps it where it can't compute: a document. It has no moment but those of the store's clock. */
export interface Kept {
  readonly generation: number
  /** `""` when there is none. */
  readonly token: string
  readonly lifetime: number
  /** When the token ends, in milliseconds of the store's clock. */
  readonly expires: number
  /** Who took the lease last. */
  readonly owner: string
  /** When the lease ends, in milliseconds of the store's clock. */
  readonly leased: number
  readonly history: string
}

/** The slot that nobody wrote yet. */
export const empty: Kept = {
  generation: 0,
  token: "",
  lifetime: 0,
  expires: 0,
  owner: "",
  leased: 0,
  history: ""
}

/**
 * Changes the document of a slot in one step that nobody comes between: gives `change` the document as it is (or
 * {@link empty}) and the store's time, keeps what it gives in second place, if anything, and gives what stands first.
 */
export type Transact = <A>(
  operation: TokenCacheError["operation"],
  key: Key,
  change: (kept: Kept, now: number) => readonly [result: A, next?: Kept]
) => Effect.Effect<A, TokenCacheError>

/** A store over documents: what each operation makes of one, for stores that can change a document in one step. */
export const make = (transact: Transact): TokenCache["Service"] =>
  TokenCache.of({
    read: (key) =>
      transact("read", key, ({ expires, generation, history, leased, lifetime, token }, now) => {
        const live = token !== "" && expires > now
        return [
          {
            generation,
            token: live ? Redacted.make(token) : undefined,
            lifetime,
            expiresIn: live ? Math.min(expires - now, lifetime) : 0,
            leasedFor: Math.max(0, leased - now),
            now,
            history
          }
        ]
      }),
    // T1, T9
    lease: (key, { generation, owner, ttl }) =>
      transact("lease", key, (kept, now) =>
        kept.generation !== generation || (kept.leased > now && kept.owner !== owner)
          ? [false]
          : [true, { ...kept, owner, leased: now + ttl }]
      ),
    // T2
    write: (key, { generation, history, owner, token, ttl }) =>
      transact("write", key, (kept, now) => {
        if (kept.generation !== generation || kept.owner !== owner) return [undefined]
        const next = Math.max(generation + 1, now)
        return [
          next,
          {
            ...kept,
            generation: next,
            token: Redacted.value(token),
            lifetime: ttl,
            expires: now + ttl,
            leased: 0,
            history
          }
        ]
      }),
    // T3
    remove: (key, { generation }) =>
      transact("remove", key, (kept) =>
        kept.generation !== generation || kept.token === "" ? [false] : [true, { ...kept, token: "" }]
      ),
    release: (key, { owner }) =>
      transact("release", key, (kept, now) =>
        kept.owner === owner && kept.leased > now ? [undefined, { ...kept, leased: 0 }] : [undefined]
      )
  })

/** A store in the memory of this process. */
export const makeMemory: Effect.Effect<TokenCache["Service"]> = Effect.sync(() => {
  const slots = new Map<Key, Kept>()
  return make((_, key, change) =>
    Effect.map(monotonicMillis, (now) => {
      const [result, next] = change(slots.get(key) ?? empty, now)
      if (next !== undefined) slots.set(key, next)
      return result
    })
  )
})

/** The store in memory: one token for all fibers of this process. */
export const layerMemory: Layer.Layer<TokenCache> = Layer.effect(TokenCache, makeMemory)
