/**
 * Tokens and quotas in Redis, over the npm package `redis`. Any number of processes and machines share one token and
 * one count of each quota.
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

/** The options of the stores in Redis. */
export interface Options extends RedisTokenCache.Options {
  /** The address, such as `redis://user:password@host:6379/0`, or `rediss://…` with TLS. */
  readonly url: string | Redacted.Redacted<string>
  /** The name of the setting of the address, for errors. By default `url`. */
  readonly setting?: string | undefined
}

/** Returns the host and port without secrets. Fails with a `QQError` if the address is not one of Redis. */
export const check = ({ setting = "url", url }: Options): Effect.Effect<string, QQError> => {
  const parsed = URL.parse(Redacted.value(redact(url)))
  return parsed !== null &&
    /^rediss?:$/.test(parsed.protocol) &&
    parsed.hostname !== "" &&
    /^\/?\d*$/.test(parsed.pathname) &&
    // A % that is not a percent-encoding.
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

// On a busy machine an answer may wait for seconds before this process reads it, so the timeouts are long.
const connectTimeoutMillis = 5_000
const pingIntervalMillis = 2_000
const socketTimeoutMillis = 5_000

// T6: the client's `socketTimeout` starts again with each command that it writes, so calls would keep a dead connection.
const watchdog = Layer.effectDiscard(
  Effect.flatMap(NodeRedis.NodeRedis, ({ client }) => {
    const reconnect = Effect.sync(() => {
      client.destroy()
      client.connect().catch(() => {})
    })
    const ping = Effect.ignore(Effect.tryPromise(() => client.ping()))
    // In two parts: after the event loop was blocked, an answer that has arrived is read between them.
    const half = Effect.sleep(socketTimeoutMillis / 2)
    const pingOrReconnect = Effect.raceFirst(ping, half.pipe(Effect.andThen(half), Effect.andThen(reconnect)))
    return Effect.andThen(
      // Its `close` waits for every answer, and never ends if the connection breaks meanwhile.
      Effect.addFinalizer(() => Effect.sync(() => client.destroy())),
      Effect.forkScoped(Effect.forever(Effect.delay(pingOrReconnect, pingIntervalMillis)))
    )
  })
)

/**
 * The stores over their own connection. It is made when the layer is built, and restored whenever it breaks. If Redis
 * can't be used when the layer is built, the layer fails with a `QQError` that names the setting and the fix.
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
        // Do not queue commands while there is no connection: their callers may no longer wait when they are executed.
        disableOfflineQueue: true,
        pingInterval: pingIntervalMillis,
        socket: {
          connectTimeout: connectTimeoutMillis,
          // A connection on which nothing happens, since a ping is not answered, is dead.
          socketTimeout: socketTimeoutMillis,
          // The first connection must succeed. Later ones are retried without limit.
          reconnectStrategy: (retries, cause) =>
            begun ? Math.min(2_000, 50 * 2 ** Math.min(retries, 6)) + Math.floor(Math.random() * 200) : cause
        }
      }).pipe(
        Layer.catchTag("RedisError", (error) => Layer.effectContext(Effect.fail(failed(shown(error, redisErrors))))),
        // Not a log message for each connection attempt: the stores log once when Redis is lost, and once when it is
        // back.
        Layer.provide(Layer.succeed(References.MinimumLogLevel, "Error"))
      )
      const tokens = Layer.effect(
        TokenCache,
        Effect.tap(
          // When the scope is closed, do not connect again.
          Effect.andThen(
            Effect.addFinalizer(() => Effect.sync(() => (begun = false))),
            RedisTokenCache.make(options)
          ),
          (cache) =>
            // Only the first command shows whether a password or a permission is missing.
            cache.read("0:probe").pipe(
              Effect.mapError(({ problem }) => failed(problem)),
              Effect.andThen(Effect.sync(() => (begun = true))),
              Effect.timeoutOrElse({ duration: connectTimeoutMillis, orElse: () => Effect.fail(failed("no answer")) })
            )
        )
      )
      return Layer.mergeAll(tokens, RedisQuota.layer(options), watchdog).pipe(Layer.provide(redis))
    })
  )
