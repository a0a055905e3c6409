/**
 * Tokens in Deno KV: one store for the isolates and regions that open the same database.
 *
 * A slot is one entry, each change one atomic commit that checks the entry's version, so the laws of `TokenCache` hold for
 * any number of processes. Deno KV tells no time, so it is the machines' clocks that end leases and tokens; a machine that
 * is off by more than a lease (6 seconds) can cost a fetch, never a wrong token.
 */
import { invalidConfig } from "@qq-mini/core/App"
import type { QQError } from "@qq-mini/core/QQError"
import * as TokenCache from "@qq-mini/core/TokenCache"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

/** What is used of a database, as `Deno.openKv()` gives it. */
export interface Kv {
  readonly get: (key: Array<string>) => Promise<{ readonly value: any; readonly versionstamp: string | null }>
  readonly atomic: () => Atomic
}

/** What is used of an atomic commit. */
export interface Atomic {
  readonly check: (check: { key: Array<string>; versionstamp: string | null }) => Atomic
  readonly set: (key: Array<string>, value: unknown, options: { expireIn: number }) => Atomic
  readonly commit: () => Promise<{ readonly ok: boolean }>
}

/** Where in the database. */
export interface Options {
  /** The first part of the keys. By default `qq-mini`. */
  readonly prefix?: string | undefined
}

// a slot that nobody used for so long goes, as in Redis
const forgotten = 30 * 86_400_000
const attempts = 40

const problemOf = (error: any): string => {
  const name = [error?.code, error?.name].find((one) => typeof one === "string" && /^\w{3,40}$/.test(one))
  return name ?? "the database failed"
}

const make = (kv: Kv, { prefix = "qq-mini" }: Options): TokenCache.TokenCache["Service"] =>
  TokenCache.make((operation, key, change) =>
    Effect.tryPromise({
      try: async (signal) => {
        const at = [prefix, key]
        for (let attempt = 0; attempt < attempts; attempt++) {
          const { value, versionstamp } = await kv.get(at)
          // nobody waits any more, so nothing may be changed any more
          signal.throwIfAborted()
          const [result, next] = change(value ?? TokenCache.empty, Date.now())
          if (next === undefined) return result
          const atomic = kv.atomic().check({ key: at, versionstamp }).set(at, next, { expireIn: forgotten })
          if ((await atomic.commit()).ok) return result
          await new Promise((resolve) => setTimeout(resolve, Math.random() * 10 * attempt))
        }
        throw Object.assign(new Error(), { code: "TOO_MANY_WRITERS" })
      },
      catch: (error) => new TokenCache.TokenCacheError({ operation, problem: problemOf(error) })
    })
  )

/** The store over a database: `DenoKvTokenCache.layer(await Deno.openKv())`. Fails when that is none. */
export const layer = (kv: Kv | undefined, options: Options = {}): Layer.Layer<TokenCache.TokenCache, QQError> =>
  Layer.effect(
    TokenCache.TokenCache,
    typeof kv?.atomic === "function"
      ? Effect.sync(() => make(kv, options))
      : Effect.fail(
          invalidConfig(
            "store",
            "must be a database of Deno KV: await Deno.openKv(), with --unstable-kv",
            "必须是 Deno KV 数据库：await Deno.openKv()，并加上 --unstable-kv"
          )
        )
  )
