/** A store of your own for apps without Effect: two functions that return promises. */
import * as CompareAndSwap from "@qq-mini/core/adapter/CompareAndSwap"
import { checkNames } from "@qq-mini/core/adapter/Setup"
import { shown, uniCloudDatabase } from "@qq-mini/core/adapter/shown"
import { invalidConfig } from "@qq-mini/core/App"
import * as TokenCache from "@qq-mini/core/TokenCache"
import * as Effect from "effect/Effect"

/** The two functions of a store. If a promise is rejected, the store counts as unavailable. */
export interface StoreFunctions {
  /** Reads the text that is stored for a key. `undefined` or `null` if there is none. */
  readonly read: (key: string) => Promise<string | null | undefined>
  /**
   * Stores `next` if the stored text is still `previous` (`undefined`: if there is none), atomically. Resolves to whether
   * it was stored. The text contains the token, unless there is a `tokenKey`; it has up to 6,000 characters.
   */
  readonly replace: (key: string, previous: string | undefined, next: string) => Promise<boolean>
}

const names = { read: ["get"], replace: ["set"] } satisfies Record<keyof StoreFunctions, ReadonlyArray<string>>

const parse = (text: string | undefined): TokenCache.SlotDocument => {
  try {
    return { ...TokenCache.emptyDocument, ...(text === undefined ? undefined : JSON.parse(text)) }
  } catch {
    // Not written by this store: as if there were nothing.
    return TokenCache.emptyDocument
  }
}

/**
 * Makes the option `store` of two functions. Leases and tokens end by the clocks of the machines, as with the store
 * `database`. Throws a `QQError` if one of them is not a function.
 */
export const createTokenStore = (functions: StoreFunctions): TokenCache.TokenCache["Service"] => {
  Effect.runSync(checkNames(functions, names))
  const { read, replace } = functions
  for (const [name, value] of Object.entries({ read, replace })) {
    if (typeof value !== "function") throw invalidConfig(name, "must be a function", "必须是函数")
  }
  return TokenCache.make((operation, key, change) => {
    const ask = <A>(run: () => Promise<A>) =>
      Effect.tryPromise({
        try: run,
        catch: (error) => new TokenCache.TokenCacheError({ operation, problem: shown(error, uniCloudDatabase) })
      })
    return CompareAndSwap.swap({
      operation,
      read: ask(async () => (await read(key)) ?? undefined),
      decide: (text) => Effect.sync(() => change(parse(text), Date.now())),
      replace: (text, next) => ask(() => replace(key, text, JSON.stringify(next)))
    })
  })
}
