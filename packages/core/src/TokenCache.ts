/**
 * The interface of token stores, and a store in memory.
 *
 * A store holds one slot for each program: the current token with its generation, and the lease of the holder that is
 * fetching the next token. Every operation is atomic. T10: every duration is measured by the store's own clock, so the
 * clocks of the machines need not agree. `@qq-mini/core/testing/TokenCacheConformance` tests a store against this
 * contract.
 */
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import { monotonicMillis } from "./internal/time.ts"
import type { InvalidConfig } from "./reason/client.ts"

/** The error of a store. `problem` contains no secret. */
export class TokenCacheError extends Data.TaggedError("TokenCacheError")<{
  readonly operation: "read" | "lease" | "write" | "remove" | "release" | "watch"
  readonly problem: string
  /** The wrong setting, if the store can never work with its settings. Such an error is not treated as an outage. */
  readonly config?: InvalidConfig | undefined
}> {
  override get message(): string {
    return `TokenCache.${this.operation}: ${this.problem}`
  }
}

/**
 * The key of a slot: the appid, `:`, and a fingerprint of the AppSecret and QQ's base URL. So a client with a wrong
 * secret never gets the token of the right one, and a sandbox never shares a slot with QQ. The secret can't be
 * recovered from the fingerprint. A store in the format of other software, which has no fingerprint, uses the part
 * before the `:`.
 */
export type Key = string

/** A snapshot of one program's slot. Times are milliseconds of the store's clock. */
export interface Slot {
  /**
   * Grows with every token that is written. A store that lost its content starts again from its time in milliseconds,
   * so that generations still grow. 0 if there never was a token.
   */
  readonly generation: number
  /** The current token. `undefined` if there is none or it has expired. */
  readonly token: Redacted.Redacted<string> | undefined
  /** The TTL with which the token was written, in milliseconds. */
  readonly lifetime: number
  /** Milliseconds until the token expires. 0 without a token. */
  readonly expiresIn: number
  /** Milliseconds until the current lease ends. 0 if there is none. */
  readonly leasedFor: number
  /** The store's own time in milliseconds. Only differences matter, also to generations. */
  readonly now: number
  /** A text about earlier tokens that the last writer stored; initially `""`. It contains no secret. */
  readonly history: string
}

/** The service that a store implements. All durations are milliseconds. */
export class TokenCache extends Context.Service<
  TokenCache,
  {
    /** Reads the slot. */
    readonly read: (key: Key) => Effect.Effect<Slot, TokenCacheError>
    /**
     * Takes the lease for `ttl`. Returns `true` if the generation is the expected one and no other owner holds the
     * lease. An owner is one fetch. If the owner takes its lease again, the lease is extended to `ttl` from now.
     */
    readonly lease: (
      key: Key,
      options: { readonly owner: string; readonly generation: number; readonly ttl: number }
    ) => Effect.Effect<boolean, TokenCacheError>
    /**
     * Stores a token and ends the lease, if the generation is the expected one and this owner was the last to take the
     * lease. (The lease may have ended meanwhile, if no other owner took it.) The new generation is the store's time,
     * or the old generation + 1 if that is larger. Returns the new generation, or `undefined` if nothing was stored. So
     * an older token never replaces a newer one.
     */
    readonly write: (
      key: Key,
      options: {
        readonly owner: string
        readonly generation: number
        readonly token: Redacted.Redacted<string>
        readonly ttl: number
        /** The new {@link Slot.history}, at most 1,000 characters. */
        readonly history: string
      }
    ) => Effect.Effect<number | undefined, TokenCacheError>
    /** Removes the token if it has this generation. Returns whether it was removed. */
    readonly remove: (key: Key, options: { readonly generation: number }) => Effect.Effect<boolean, TokenCacheError>
    /** Ends the lease, if this owner holds it. */
    readonly release: (key: Key, options: { readonly owner: string }) => Effect.Effect<void, TokenCacheError>
    /**
     * For stores that can notify. Returns an effect that completes when the slot was written or its lease was released
     * since the effect last completed. Notifications may get lost, so holders also poll the store. Without `watch` they
     * only poll.
     */
    readonly watch?: ((key: Key) => Effect.Effect<Effect.Effect<void>, TokenCacheError, Scope.Scope>) | undefined
    /**
     * The longest time to use a token, in milliseconds. For stores that are shared with software that fetches new
     * tokens long before the old ones expire.
     */
    readonly maxLifetime?: number | undefined
  }
>()("@qq-mini/core/TokenCache") {}

/** A slot as a document, for stores without a query language. Its times are points in time of the store's clock. */
export interface SlotDocument {
  /** As {@link Slot.generation}. */
  readonly generation: number
  /** The token; `""` if there is none. */
  readonly token: string
  /** As {@link Slot.lifetime}. */
  readonly lifetime: number
  /** When the token expires, in milliseconds of the store's clock. */
  readonly expires: number
  /** The owner that took the lease last. */
  readonly owner: string
  /** When the lease ends, in milliseconds of the store's clock. */
  readonly leased: number
  /** As {@link Slot.history}. */
  readonly history: string
}

/** The document of a slot that was never written. */
export const emptyDocument: SlotDocument = {
  generation: 0,
  token: "",
  lifetime: 0,
  expires: 0,
  owner: "",
  leased: 0,
  history: ""
}

/**
 * Changes the document of a slot atomically, as `Ref.modify` does. It calls `change` with the current document (or
 * {@link emptyDocument}) and the store's time. `change` returns the result of the operation and, if the document changes,
 * the new document.
 */
export type Modify = <A>(
  operation: TokenCacheError["operation"],
  key: Key,
  change: (document: SlotDocument, now: number) => readonly [result: A, next?: SlotDocument]
) => Effect.Effect<A, TokenCacheError>

/** Makes a store from a function that modifies a slot's document atomically. */
export const make = (modify: Modify): TokenCache["Service"] =>
  TokenCache.of({
    read: (key) =>
      modify("read", key, ({ expires, generation, history, leased, lifetime, token }, now) => {
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
      modify("lease", key, (document, now) =>
        document.generation !== generation || (document.leased > now && document.owner !== owner)
          ? [false]
          : [true, { ...document, owner, leased: now + ttl }]
      ),
    // T2
    write: (key, { generation, history, owner, token, ttl }) =>
      modify("write", key, (document, now) => {
        if (document.generation !== generation || document.owner !== owner) return [undefined]
        const next = Math.max(generation + 1, now)
        return [
          next,
          {
            ...document,
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
      modify("remove", key, (document) =>
        document.generation !== generation || document.token === "" ? [false] : [true, { ...document, token: "" }]
      ),
    release: (key, { owner }) =>
      modify("release", key, (document, now) =>
        document.owner === owner && document.leased > now ? [undefined, { ...document, leased: 0 }] : [undefined]
      )
  })

/** Makes a store in the memory of this process. */
export const makeMemory: Effect.Effect<TokenCache["Service"]> = Effect.sync(() => {
  const slots = new Map<Key, SlotDocument>()
  return make((_, key, change) =>
    Effect.map(monotonicMillis, (now) => {
      const [result, next] = change(slots.get(key) ?? emptyDocument, now)
      if (next !== undefined) slots.set(key, next)
      return result
    })
  )
})

/** The store in memory: only the fibers of this process share the token. */
export const layerMemory: Layer.Layer<TokenCache> = Layer.effect(TokenCache, makeMemory)
