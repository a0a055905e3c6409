/**
 * Tokens in Cloudflare Durable Objects: one object for each program, which all Workers share. The objects are instances
 * of the class {@link "./QQTokens.ts"!QQTokens}, which the Worker must export.
 */
import { isNamed } from "@qq-mini/core/adapter/shown"
import { invalidConfig } from "@qq-mini/core/App"
import type { QQError } from "@qq-mini/core/QQError"
import { TokenCache, TokenCacheError } from "@qq-mini/core/TokenCache"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Wire from "./internal/wire.ts"

/** The binding of a Durable Object class in a Worker's `env`. */
export interface Namespace {
  idFromName(name: string): unknown
  get(id: unknown): { readonly fetch: (input: string, init: RequestInit) => Promise<Response> }
}

const problemOf = (error: unknown): string =>
  isNamed(error, /^overloaded$/) ? "the Durable Object is overloaded" : "the Durable Object can't be reached"

const make = (namespace: Namespace): TokenCache["Service"] => {
  const call = <A>({ operation, ...asked }: Wire.Asked): Effect.Effect<A, TokenCacheError> =>
    Effect.tryPromise({
      try: async (signal) => {
        // A new stub for each call: on Workers a stub can only be used in the request that made it.
        const stub = namespace.get(namespace.idFromName(asked.key))
        const response = await stub.fetch("https://qq-mini", {
          method: "POST",
          body: JSON.stringify({ operation, ...asked }),
          signal
        })
        const text = await response.text()
        if (!response.ok) throw new Error()
        return text === "" ? undefined : JSON.parse(text)
      },
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
    typeof namespace?.idFromName === "function"
      ? Effect.succeed(make(namespace))
      : Effect.fail(
          invalidConfig(
            "store",
            'has no Durable Object: bind the class in wrangler.jsonc, as "durable_objects": { "bindings": [{ "name": "QQ_TOKENS", "class_name": "QQTokens" }] }, list it in "migrations", and export it from the Worker',
            '没有 Durable Object：请在 wrangler.jsonc 中绑定该类，如 "durable_objects": { "bindings": [{ "name": "QQ_TOKENS", "class_name": "QQTokens" }] }，写入 "migrations"，并从 Worker 导出'
          )
        )
  )
