/**
 * Tokens in Cloudflare Durable Objects: one object for each program, which all Workers share. The objects are instances
 * of the class {@link "./QQTokens.ts"!QQTokens}, which the Worker must export.
 */
import type { QQError } from "@qq-mini/core/QQError"
import { TokenCache, TokenCacheError } from "@qq-mini/core/TokenCache"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { ask, bound, type Namespace, problemOf } from "./internal/durableObject.ts"
import * as Wire from "./internal/wire.ts"

export type { Namespace } from "./internal/durableObject.ts"

const make = (namespace: Namespace): TokenCache["Service"] => {
  const call = <A>({ operation, ...asked }: Wire.Asked): Effect.Effect<A, TokenCacheError> =>
    Effect.tryPromise({
      try: (signal) => ask(namespace, asked.key, { operation, ...asked }, signal),
      catch: (error) => new TokenCacheError({ operation, problem: problemOf(error) })
    })
  return Wire.client(call)
}

/**
 * The store over a binding: `DurableObjectTokenCache.layer(env.QQ_TOKENS)`. Fails with a `QQError` without a binding.
 */
export const layer = (namespace: Namespace | undefined): Layer.Layer<TokenCache, QQError> =>
  Layer.effect(
    TokenCache,
    Effect.map(bound(namespace, { setting: "store", binding: "QQ_TOKENS", className: "QQTokens" }), make)
  )
