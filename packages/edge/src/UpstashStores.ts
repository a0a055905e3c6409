/**
 * Tokens and quotas in a Redis over HTTP, in the REST dialect of Upstash: for runtimes that open no sockets. What is kept is
 * the same as over Redis' own protocol, so Workers and Node processes can share it.
 */
import { invalidConfig, redact } from "@qq-mini/core/App"
import { InvalidConfig, type QQError } from "@qq-mini/core/QQError"
import type { Quota } from "@qq-mini/core/Quota"
import * as RedisQuota from "@qq-mini/core/RedisQuota"
import * as RedisTokenCache from "@qq-mini/core/RedisTokenCache"
import type { TokenCache } from "@qq-mini/core/TokenCache"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redis from "effect/persistence/Redis"
import * as Redacted from "effect/Redacted"
import { type Fetch, uncached } from "./FetchTransport.ts"

/** Where the database is, and what opens it. Upstash shows both as `UPSTASH_REDIS_REST_URL` and `UPSTASH_REDIS_REST_TOKEN`. */
export interface Options extends RedisTokenCache.Options {
  /** As `https://name.upstash.io`. */
  readonly url: string | undefined
  /** The token that may write. */
  readonly token: string | Redacted.Redacted<string> | undefined
  /** By default the global one. */
  readonly fetch?: Fetch | undefined
}

const wrongToken = new InvalidConfig({
  setting: "token (UPSTASH_REDIS_REST_TOKEN)",
  problem: {
    en: "is refused by the database: copy the REST token that may write from its console",
    zh: "被数据库拒绝：请从控制台重新复制有写权限的 REST 令牌"
  }
})

/** The word with which Redis, or what stands before it, begins an error. */
const codeOf = (status: number, text: string): string =>
  /"error"\s*:\s*"([A-Z]{2,20})\b/.exec(text)?.[1] ?? `HTTP_${status}`

const evaluate = (
  url: string,
  token: Redacted.Redacted<string>,
  given: Fetch | undefined
): RedisTokenCache.Evaluate => {
  // a token that was good once is an outage when it is not any more
  let worked = false
  return (lua, numberOfKeys, params) =>
    Effect.tryPromise({
      try: async (signal) => {
        const fetch: Fetch = given ?? globalThis.fetch
        const response = await fetch(url, {
          method: "POST",
          headers: { authorization: `Bearer ${Redacted.value(token)}`, "content-type": "application/json" },
          body: JSON.stringify(["EVAL", lua, String(numberOfKeys), ...params]),
          ...uncached(),
          redirect: "manual",
          signal
        })
        const text = await response.text()
        const refused = /^(UNAUTHORIZED|NOPERM|NOAUTH|WRONGPASS|HTTP_40[13])$/.test(codeOf(response.status, text))
        if (!response.ok) {
          const config = refused && !worked ? wrongToken : undefined
          throw Object.assign(new Error(), { code: codeOf(response.status, text), config })
        }
        worked = true
        return (JSON.parse(text) as { readonly result: unknown }).result
      },
      catch: ({ code, config }: any) => {
        const known = typeof code === "string" ? code : "UNREACHABLE"
        return new Redis.RedisError({ cause: Object.assign(new Error(known), { code: known, config }) })
      }
    })
}

const check = ({ token, url }: Options): Effect.Effect<readonly [string, Redacted.Redacted<string>], QQError> => {
  if (typeof url !== "string" || !/^https?:\/\/[^?#\s@]+$/.test(url)) {
    return Effect.fail(
      invalidConfig(
        "url (UPSTASH_REDIS_REST_URL)",
        "must be the database's REST address, as https://name.upstash.io",
        "必须是数据库的 REST 地址，如 https://name.upstash.io"
      )
    )
  }
  const secret = token === undefined ? undefined : redact(token)
  if (secret === undefined || String(Redacted.value(secret)).trim() === "") {
    return Effect.fail(
      invalidConfig(
        "token (UPSTASH_REDIS_REST_TOKEN)",
        "must be the database's REST token, the one that may write",
        "必须是数据库的 REST 令牌（有写权限的那个）"
      )
    )
  }
  return Effect.succeed([url, secret])
}

/** The stores over a database. Fails when its address or token can't be right. */
export const layer = (options: Options): Layer.Layer<TokenCache | Quota, QQError> =>
  Layer.unwrap(
    Effect.map(check(options), ([url, token]) =>
      Layer.merge(RedisTokenCache.layerUnwatched(options), RedisQuota.layer(options)).pipe(
        Layer.provide(RedisTokenCache.layerEval(evaluate(url, token, options.fetch)))
      )
    )
  )
