/**
 * Tokens in Durable Objects of Cloudflare: one object a program, in which all Workers meet. The objects are of the class
 * {@link "./QQTokens.ts"!QQTokens}, which the Worker must export.
 */
import { isNamed } from "@qq-mini/core/adapter/shown"
import { invalidConfig } from "@qq-mini/core/App"
import type { QQError } from "@qq-mini/core/QQError"
import { TokenCache, TokenCacheError } from "@qq-mini/core/TokenCache"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Wire from "./internal/wire.ts"

/** A binding of a Durable Object class, as it stands in `env`. */
export interface Namespace {
  readonly idFromName: (name: string) => any
  readonly get: (id: any) => { readonly fetch: (input: string, init: RequestInit) => Promise<Response> }
}

const problemOf = (error: unknown): string =>
  isNamed(error, /^overloaded$/) ? "the Durable Object is overloaded" : "the Durable Object can't be reached"

const make = (namespace: Namespace): TokenCache["Service"] => {
  const call = <A>({ operation, ...asked }: Wire.Asked): Effect.Effect<A, TokenCacheError> =>
    Effect.tryPromise({
      try: async (signal) => {
        // made anew with each call: on Workers a stub belongs to the request that made it
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

/** The store over a binding: `DurableObjectTokenCache.layer(env.QQ_TOKENS)`. Fails when there is none. */
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
