/**
 * Tokens in Deno KV: one store for the isolates and regions that open the same database.
 *
 * A slot is one entry. Each change is one atomic commit that checks the entry's version, so the contract of
 * `TokenCache` holds for any number of processes. Deno KV has no clock, so leases and tokens end by the clocks of the
 * machines. A machine whose clock is wrong by more than a lease (6 seconds) can cause an extra fetch, but never a wrong
 * token.
 */
import * as CompareAndSwap from "@qq-mini/core/adapter/CompareAndSwap"
import { denoKv, shown } from "@qq-mini/core/adapter/shown"
import { checkNames } from "@qq-mini/core/adapter/Setup"
import { invalidConfig } from "@qq-mini/core/App"
import type { QQError } from "@qq-mini/core/QQError"
import * as TokenCache from "@qq-mini/core/TokenCache"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

/** The part of a Deno KV database that the store uses. `Deno.openKv()` returns one. */
export interface Kv {
  readonly get: (key: Array<string>) => Promise<{ readonly value: unknown; readonly versionstamp: string | null }>
  readonly atomic: () => Atomic
}

/** The part of an atomic commit of Deno KV that the store uses. */
export interface Atomic {
  readonly check: (check: { key: Array<string>; versionstamp: string | null }) => Atomic
  readonly set: (key: Array<string>, value: unknown, options: { expireIn: number }) => Atomic
  readonly commit: () => Promise<{ readonly ok: boolean }>
}

/** The options of the store. */
export interface Options {
  /** The first part of the keys. By default `qq-mini`. */
  readonly prefix?: string | undefined
}

// An entry that is unused for 30 days is removed, as in Redis.
const idleMillis = 30 * 86_400_000

const make = (kv: Kv, { prefix = "qq-mini" }: Options): TokenCache.TokenCache["Service"] =>
  TokenCache.make((operation, key, change) => {
    const at = [prefix, key]
    const ask = <A>(run: () => Promise<A>): Effect.Effect<A, TokenCache.TokenCacheError> =>
      Effect.tryPromise({
        try: run,
        catch: (error) => new TokenCache.TokenCacheError({ operation, problem: shown(error, denoKv) })
      })
    return CompareAndSwap.swap({
      operation,
      read: ask(() => kv.get(at)),
      decide: ({ value }) =>
        Effect.sync(() => change((value ?? TokenCache.emptyDocument) as TokenCache.SlotDocument, Date.now())),
      // T2: the commit is refused if the entry was written since it was read.
      replace: ({ versionstamp }, next) =>
        ask(async () => {
          const atomic = kv.atomic().check({ key: at, versionstamp }).set(at, next, { expireIn: idleMillis })
          return (await atomic.commit()).ok
        })
    })
  })

const names = { prefix: [] } satisfies Record<keyof Options, ReadonlyArray<string>>

/**
 * The store over a database: `DenoKvTokenCache.layer(await Deno.openKv())`. Fails with a `QQError` without a database.
 */
export const layer = (kv: Kv | undefined, options: Options = {}): Layer.Layer<TokenCache.TokenCache, QQError> =>
  Layer.effect(
    TokenCache.TokenCache,
    typeof kv?.atomic === "function"
      ? Effect.map(checkNames(options, names), () => make(kv, options))
      : Effect.fail(
          invalidConfig(
            "store",
            "must be a database of Deno KV: await Deno.openKv(), with --unstable-kv",
            "必须是 Deno KV 数据库：await Deno.openKv()，并加上 --unstable-kv"
          )
        )
  )
