/**
 * Tokens and quotas in Redis over HTTP, with the REST API of Upstash, for runtimes without sockets. The data are the
 * same as over Redis' own protocol, so Workers and Node processes can share them.
 */
import { redis as redisErrors, shown } from "@qq-mini/core/adapter/shown"
import { checkNames } from "@qq-mini/core/adapter/Setup"
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

/** Where the database is. Upstash's console shows `UPSTASH_REDIS_REST_URL` and `UPSTASH_REDIS_REST_TOKEN`. */
export interface AddressOptions {
  /** The REST address of the database, such as `https://name.upstash.io`. */
  readonly url: string | undefined
  /** The REST token with write permission. */
  readonly token: string | Redacted.Redacted<string> | undefined
  /** The `fetch` function. By default the global one. */
  readonly fetch?: Fetch | undefined
}

/** The options of the stores. */
export interface Options extends AddressOptions, RedisTokenCache.Options {}

const wrongToken = new InvalidConfig({
  setting: "token (UPSTASH_REDIS_REST_TOKEN)",
  problem: {
    en: "is refused by the database: copy the REST token that may write from its console",
    zh: "被数据库拒绝：请从控制台重新复制有写权限的 REST 令牌"
  }
})

const failed = (problem: string, config?: InvalidConfig): Redis.RedisError =>
  new Redis.RedisError({ cause: Object.assign(new Error(problem), { code: problem, config }) })

const unreachable = "UNREACHABLE"

/** The first word of an error of Redis, or of a proxy in front of it. Without one, the HTTP status. */
const refusalOf = (status: number, text: string): string =>
  shown(`${/"error"\s*:\s*"([^"]*)/.exec(text)?.[1] ?? ""} `, { ...redisErrors, phrase: `HTTP_${status}` })

const evaluate = (
  url: string,
  token: Redacted.Redacted<string>,
  given: Fetch | undefined
): RedisTokenCache.Evaluate => {
  // If a token worked once and is refused later, this is an outage and not a wrong setting.
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
        return { ok: response.ok, status: response.status, text: await response.text() }
      },
      catch: (error) => failed(shown(error, { ...redisErrors, phrase: unreachable }))
    }).pipe(
      Effect.flatMap(({ ok, status, text }) => {
        if (!ok) {
          const problem = refusalOf(status, text)
          const isRefused = /^(UNAUTHORIZED|NOPERM|NOAUTH|WRONGPASS|HTTP_40[13])$/.test(problem)
          return Effect.fail(failed(problem, isRefused && !worked ? wrongToken : undefined))
        }
        worked = true
        return Effect.try({
          try: () => (JSON.parse(text) as { readonly result: unknown }).result,
          catch: () => failed(unreachable)
        })
      })
    )
}

const check = ({
  token,
  url
}: AddressOptions): Effect.Effect<readonly [string, Redacted.Redacted<string>], QQError> => {
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

const addressNames = { url: [], token: [], fetch: [] } satisfies Record<keyof AddressOptions, ReadonlyArray<string>>
const names = { ...addressNames, prefix: [] } satisfies Record<keyof Options, ReadonlyArray<string>>

const redisOver = (options: AddressOptions): Layer.Layer<Redis.Redis, QQError> =>
  Layer.unwrap(
    Effect.map(check(options), ([url, token]) => RedisTokenCache.layerEval(evaluate(url, token, options.fetch)))
  )

/** The stores over a database. Fails with a `QQError` if the address or the token is invalid. */
export const layer = (options: Options): Layer.Layer<TokenCache | Quota, QQError> =>
  Layer.unwrap(
    Effect.map(checkNames(options, names), () =>
      Layer.merge(RedisTokenCache.layerUnwatched(options), RedisQuota.layer(options)).pipe(
        Layer.provide(redisOver(options))
      )
    )
  )

/** Redis itself over a database, for stores such as `RedisSendLedger` of the core. Fails as {@link layer} does. */
export const layerRedis = (options: AddressOptions): Layer.Layer<Redis.Redis, QQError> =>
  Layer.unwrap(Effect.map(checkNames(options, addressNames), () => redisOver(options)))
