/** Tokens, quotas and handled messages in the Redis of `uniCloud.redis()`. */
import { redis as redisErrors, shown } from "@qq-mini/core/adapter/shown"
import { invalidConfig } from "@qq-mini/core/App"
import type { QQError } from "@qq-mini/core/QQError"
import type { PushStore } from "@qq-mini/core/PushStore"
import type * as Quota from "@qq-mini/core/Quota"
import * as RedisPushStore from "@qq-mini/core/RedisPushStore"
import * as RedisQuota from "@qq-mini/core/RedisQuota"
import * as RedisTokenCache from "@qq-mini/core/RedisTokenCache"
import type { TokenCache } from "@qq-mini/core/TokenCache"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redis from "effect/persistence/Redis"
import type { RedisClient } from "./UniCloud.ts"

/** Makes the error of a missing or failing `uniCloud.redis()`. It says how to enable Redis. */
export const enableRedis = (why: string): QQError =>
  invalidConfig(
    "store",
    `uniCloud.redis() can't be used (${why}): open Redis in the uniCloud console, and add "extensions": {"uni-cloud-redis": {}} to the cloud function's package.json`,
    `无法使用 uniCloud.redis()（${why}）：请在 uniCloud 控制台开通 Redis，并在云函数的 package.json 中加入 "extensions": {"uni-cloud-redis": {}}`
  )

const failed = (error: unknown) => {
  const code = shown(error, redisErrors)
  return new Redis.RedisError({ cause: Object.assign(new Error(code), { code }) })
}

/** The stores over `uniCloud.redis()`. Keys begin with `qq-mini:`. Fails with {@link enableRedis} if `redis` throws. */
export const layer = (
  redis: () => RedisClient,
  options: RedisTokenCache.Options = {}
): Layer.Layer<TokenCache | Quota.Quota | PushStore, QQError> =>
  Layer.unwrap(
    Effect.try({ try: redis, catch: (error) => enableRedis(shown(error, redisErrors)) }).pipe(
      Effect.map((client) =>
        Layer.mergeAll(
          RedisTokenCache.layerUnwatched(options),
          RedisQuota.layer(options),
          RedisPushStore.layer(options)
        ).pipe(
          Layer.provide(
            RedisTokenCache.layerEval((lua, keys, params) =>
              Effect.tryPromise({ try: async () => client.eval(lua, keys, ...params), catch: failed })
            )
          )
        )
      )
    )
  )
