/**
 * Tokens and quotas in Redis, over the client that is called `redis` on npm: one token, and one count of every quota, for
 * processes and machines without number.
 */
import * as NodeRedis from "@effect/platform-node/NodeRedis"
import { redis as redisErrors, shown } from "@qq-mini/core/adapter/shown"
import { invalidConfig, redact } from "@qq-mini/core/App"
import type { QQError } from "@qq-mini/core/QQError"
import type { Quota } from "@qq-mini/core/Quota"
import * as RedisQuota from "@qq-mini/core/RedisQuota"
import * as RedisTokenCache from "@qq-mini/core/RedisTokenCache"
import { TokenCache } from "@qq-mini/core/TokenCache"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as References from "effect/References"

/** Where Redis is, and what it is called in errors. */
export interface Options extends RedisTokenCache.Options {
  /** As `redis://user:password@host:6379/0`, with TLS `rediss://…`. */
  readonly url: string | Redacted.Redacted<string>
  /** The name of the setting that gave the address. By default `url`. */
  readonly setting?: string | undefined
}

/** Where Redis is, without what is secret; fails when that is no address of Redis. */
export const check = ({ setting = "url", url }: Options): Effect.Effect<string, QQError> => {
  const parsed = URL.parse(Redacted.value(redact(url)))
  return parsed !== null &&
    /^rediss?:$/.test(parsed.protocol) &&
    parsed.hostname !== "" &&
    /^\/?\d*$/.test(parsed.pathname) &&
    // a % that is no encoding
    !/%(?![\da-f]{2})/i.test(parsed.username + parsed.password)
    ? Effect.succeed(`${parsed.hostname}:${parsed.port || "6379"}`)
    : Effect.fail(
        invalidConfig(
          setting,
          "must be an address as redis://user:password@host:6379/0, or rediss://… with TLS; percent-encode what is special in the password",
          "必须是形如 redis://user:password@host:6379/0 的地址，使用 TLS 时为 rediss://…；密码中的特殊字符须百分号编码"
        )
      )
}

const advice = (problem: string): { readonly en: string; readonly zh: string } => {
  if (/^(WRONGPASS|NOAUTH)$/.test(problem)) {
    return { en: "correct the user and password in the address", zh: "请更正地址中的用户名和密码" }
  }
  if (problem === "ERR") {
    return {
      en: "correct the password or the number of the database in the address",
      zh: "请更正地址中的密码或数据库编号"
    }
  }
  if (problem === "NOPERM") {
    return {
      en: "allow this user the commands EVALSHA, SCRIPT, HSET, HMGET, HGETALL, HINCRBY, HDEL, PEXPIRE, PUBLISH and SUBSCRIBE on qq-mini:*",
      zh: "请为该用户授予 qq-mini:* 上的 EVALSHA、SCRIPT、HSET、HMGET、HGETALL、HINCRBY、HDEL、PEXPIRE、PUBLISH、SUBSCRIBE 权限"
    }
  }
  return { en: "start Redis, or correct the address", zh: "请启动 Redis，或更正地址" }
}

// On a busy machine an answer may be there for seconds before this process reads it.
const connectTimeout = 5_000
const pingInterval = 2_000
const socketTimeout = 5_000

/**
 * The stores over a connection of their own, which is made while the layer is built and made again whenever it breaks.
 * Fails with the setting and the fix when Redis can't be used in the beginning.
 */
export const layer = (options: Options): Layer.Layer<TokenCache | Quota, QQError> =>
  Layer.unwrap(
    Effect.map(check(options), (where) => {
      const { setting = "url", url } = options
      const failed = (problem: string) => {
        const { en, zh } = advice(problem)
        return invalidConfig(
          setting,
          `Redis at ${where} can't be used (${problem}): ${en}`,
          `无法使用 ${where} 的 Redis（${problem}）：${zh}`
        )
      }
      let begun = false
      const redis = NodeRedis.layer({
        url: Redacted.value(redact(url)),
        // what can't be sent now must not be done later, when nobody waits for it any more
        disableOfflineQueue: true,
        pingInterval,
        socket: {
          connectTimeout,
          // a connection on which nothing comes, not even the answer to a ping, is dead
          socketTimeout,
          // the first one must stand; after that it is tried without end
          reconnectStrategy: (retries, cause) =>
            begun ? Math.min(2_000, 50 * 2 ** Math.min(retries, 6)) + Math.floor(Math.random() * 200) : cause
        }
      }).pipe(
        Layer.catchTag("RedisError", (error) => Layer.effectContext(Effect.fail(failed(shown(error, redisErrors))))),
        // that the store is lost and back is told once, and not for each attempt to connect
        Layer.provide(Layer.succeed(References.MinimumLogLevel, "Error"))
      )
      const tokens = Layer.effect(
        TokenCache,
        Effect.tap(
          // in the end nothing is tried any more
          Effect.andThen(
            Effect.addFinalizer(() => Effect.sync(() => (begun = false))),
            RedisTokenCache.make(options)
          ),
          (cache) =>
            // a password or a permission that lacks is noticed with the first command only
            cache.read("0:probe").pipe(
              Effect.mapError(({ problem }) => failed(problem)),
              Effect.andThen(Effect.sync(() => (begun = true))),
              Effect.timeoutOrElse({ duration: connectTimeout, orElse: () => Effect.fail(failed("no answer")) })
            )
        )
      )
      return Layer.merge(tokens, RedisQuota.layer(options)).pipe(Layer.provide(redis))
    })
  )
