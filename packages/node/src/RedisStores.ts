/**
 * Tokens, quotas and handled messages in Redis: one server, a cluster, or the master that Sentinel names. Any number of processes and
 * machines share one token and one count of each quota, and handle each message of QQ once.
 *
 * While a cluster or Sentinel has no master, each process goes on with its token, and counts the quotas alone. Redis
 * replicates asynchronously, so a failover can also lose what the old master wrote in its last moments. A lost token or
 * lease costs at most one more `getToken`. Lost places of a quota are counted only by the process that took them, so all
 * processes together may exceed a limit by these places, until their window has ended. QQ refuses such calls.
 */
import { redis as redisErrors, shown } from "@qq-mini/core/adapter/shown"
import { invalidConfig, redact } from "@qq-mini/core/App"
import type { QQError } from "@qq-mini/core/QQError"
import type { PushStore } from "@qq-mini/core/PushStore"
import type { Quota } from "@qq-mini/core/Quota"
import * as RedisPushStore from "@qq-mini/core/RedisPushStore"
import * as RedisQuota from "@qq-mini/core/RedisQuota"
import * as RedisTokenCache from "@qq-mini/core/RedisTokenCache"
import { TokenCache } from "@qq-mini/core/TokenCache"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Layer from "effect/Layer"
import * as Redis from "effect/persistence/Redis"
import * as Queue from "effect/Queue"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import { type Address, onlyDatabase0, parse, type Text, where } from "./redis/address.ts"
import { canSubscribe, type Client, evaluate, isClient, subscribe } from "./redis/client.ts"
import { connect, type Connection } from "./redis/connect.ts"
import { type Wrong, WrongAddress } from "./redis/open.ts"

export type { Client, IoRedisClient, NodeRedisClient, ScriptParameters } from "./redis/client.ts"

/** Where Redis is. */
export interface AddressOptions {
  /**
   * The address:
   * - `redis://user:password@host:6379/0` of a server, or of any node of a cluster. A cluster has only database 0.
   * - `redis://user:password@host1:6379,host2:6379` of several nodes of a cluster, in case one is down when the app
   *   starts. `redis+cluster://…` is the same.
   * - `redis+sentinel://user:password@host1:26379,host2:26379/mymaster/0` of Sentinels, with the name of the master. The
   *   user and the password are those of Redis.
   *
   * With TLS: `rediss://…`, `rediss+cluster://…`, `rediss+sentinel://…`. For all else, such as a password of the
   * Sentinels, make the client yourself and use {@link fromClient}.
   */
  readonly url: string | Redacted.Redacted<string>
  /** The name of the setting of the address, for errors. By default `url`. */
  readonly setting?: string | undefined
}

/** The options of the stores in Redis. */
export interface Options extends AddressOptions, RedisTokenCache.Options {}

const parsed = ({ setting = "url", url }: AddressOptions): Effect.Effect<Address, QQError> => {
  const address = parse(String(Redacted.value(redact(url))))
  return "en" in address ? Effect.fail(invalidConfig(setting, address.en, address.zh)) : Effect.succeed(address)
}

/** Returns the hosts and ports without secrets. Fails with a `QQError` if the address is not one of Redis. */
export const check = (options: AddressOptions): Effect.Effect<string, QQError> => Effect.map(parsed(options), where)

const wrongs: Readonly<Record<Wrong, Text>> = {
  sentinel: {
    en: "it is a Sentinel: write redis+sentinel://host:26379/mymaster, with the name of your master",
    zh: "这是哨兵：请写成 redis+sentinel://host:26379/mymaster，末尾为主节点的名称"
  },
  replica: {
    en: "it is a replica, which can't be written: write the address of the master",
    zh: "这是只读的从节点：请改用主节点的地址"
  },
  database: onlyDatabase0,
  "no redis": {
    en: "what answers there is not Redis: correct the host and the port",
    zh: "该地址上的服务不是 Redis：请更正主机与端口"
  },
  "no cluster": {
    en: "it is not a cluster: write redis://host:6379, with one host",
    zh: "这不是集群：请写成 redis://host:6379，只含一个主机"
  },
  "no sentinel": {
    en: "it is Redis itself, not a Sentinel: write redis://host:6379, or the ports of the Sentinels",
    zh: "这是 Redis 本身，不是哨兵：请写成 redis://host:6379，或改用哨兵的端口"
  },
  "no master": {
    en: "the Sentinels know no master of this name: correct the name after the hosts",
    zh: "哨兵中没有该名称的主节点：请更正主机之后的名称"
  }
}

const commands = "EVAL, EVALSHA, TIME, HGET, HMGET, HGETALL, HSET, HDEL, PTTL, PEXPIRE, PUBLISH, SUBSCRIBE, PING"

const advice = (problem: string): Text => {
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
      en: `allow this user the commands ${commands} (and CLUSTER on a cluster) on the keys and channels qq-mini:*`,
      zh: `请为该用户授予键与频道 qq-mini:* 上的 ${commands.replaceAll(", ", "、")} 权限（集群还需要 CLUSTER）`
    }
  }
  if (problem === "MOVED") {
    return {
      en: "it is a node of a cluster: write redis+cluster://host:6379, or make a client of a cluster",
      zh: "这是集群的节点：请写成 redis+cluster://host:6379，或创建集群的客户端"
    }
  }
  if (problem === "ClientClosedError") {
    return { en: "connect the client first: await client.connect()", zh: "请先连接客户端：await client.connect()" }
  }
  if (/^(SocketClosedUnexpectedlyError|ConnectionTimeoutError|ERR_SSL_\w+)$/.test(problem)) {
    return {
      en: "correct the address; it must begin with rediss if, and only if, Redis expects TLS",
      zh: "请更正地址；仅当 Redis 要求 TLS 时，地址才以 rediss 开头"
    }
  }
  return { en: "start Redis, or correct the address", zh: "请启动 Redis，或更正地址" }
}

/** The error of a Redis that can't be used. */
const unusable = (setting: string, at: string, problem: string | undefined, { en, zh }: Text): QQError => {
  const reason = problem === undefined ? "" : ` (${problem})`
  const inChinese = problem === undefined ? "" : `（${problem}）`
  return invalidConfig(
    setting,
    `Redis${at === "" ? "" : ` at ${at}`} can't be used${reason}: ${en}`,
    `无法使用${at === "" ? "" : ` ${at} 的`} Redis${inChinese}：${zh}`
  )
}

// The first command must be answered within this time.
const probeTimeoutMillis = 5_000

const redisOver = (current: () => Connection): Layer.Layer<Redis.Redis> =>
  RedisTokenCache.layerEval(
    (lua, numberOfKeys, parameters) =>
      // With each run, because a command is repeated on the connection that replaced a lost one.
      Effect.suspend(() => {
        const connection = current()
        return Effect.tryPromise({
          try: (signal) =>
            evaluate(connection.client, lua, numberOfKeys, parameters, signal).catch((error) => {
              if (!signal.aborted) connection.onError(error)
              throw error
            }),
          catch: (cause) => new Redis.RedisError({ cause })
        })
      }),
    Effect.fnUntraced(function* (channel) {
      const { client, replaced } = current()
      const messages = yield* Queue.unbounded<Redis.RedisMessage, Redis.RedisError>()
      const onMessage = (message: string) => Queue.offerUnsafe(messages, { channel, message })
      const onLost = () => Queue.failCauseUnsafe(messages, Cause.fail(new Redis.RedisError({ cause: "it has ended" })))
      yield* Effect.acquireRelease(
        Effect.promise(() => subscribe(client, channel, onMessage, onLost).catch(onLost)),
        (end) => Effect.sync(() => typeof end === "function" && end())
      )
      yield* Effect.forkScoped(Effect.andThen(replaced.await, Effect.sync(onLost)))
      return messages
    })
  )

/** Connections to Redis, and the error for when the first command over them fails. */
interface Connected {
  readonly current: () => Connection
  readonly failed: (problem: string) => QQError
}

/** Services over Redis, with their first command: only that shows whether a password or a permission is missing. */
const probed = <A>(
  { failed }: Connected,
  services: Layer.Layer<A>,
  first: Effect.Effect<unknown, string, NoInfer<A>>
): Layer.Layer<A, QQError> => {
  const probe = first.pipe(
    Effect.mapError(failed),
    Effect.timeoutOrElse({ duration: probeTimeoutMillis, orElse: () => Effect.fail(failed("no answer")) })
  )
  return Layer.provideMerge(Layer.effectDiscard(probe), services)
}

const storesOver = (
  connected: Connected,
  options: RedisTokenCache.Options
): Layer.Layer<TokenCache | Quota | PushStore, QQError> => {
  const { current } = connected
  const tokens = canSubscribe(current().client) ? RedisTokenCache.layer : RedisTokenCache.layerUnwatched
  const stores = Layer.mergeAll(tokens(options), RedisQuota.layer(options), RedisPushStore.layer(options))
  const read = Effect.flatMap(TokenCache, (cache) => cache.read("0:probe"))
  return probed(
    connected,
    Layer.provide(stores, redisOver(current)),
    Effect.mapError(read, ({ problem }) => problem)
  )
}

const redisItself = (connected: Connected): Layer.Layer<Redis.Redis, QQError> => {
  const ping = Effect.flatMap(Redis.Redis, (redis) => redis.send("PING"))
  return probed(
    connected,
    redisOver(connected.current),
    Effect.mapError(ping, (error) => shown(error, redisErrors))
  )
}

const importRedis = (setting: string) =>
  Effect.flatMap(
    // Imported only when it is used: apps with a client of their own may not have it. Bundlers accept a missing package
    // where its error is caught beside the import.
    Effect.promise(() => import("redis").catch(() => undefined)),
    (redis) =>
      redis === undefined
        ? Effect.fail(
            invalidConfig(setting, "needs the package redis: npm install redis", "需要安装 redis 包：npm install redis")
          )
        : Effect.succeed(redis)
  )

const ofAddress = Effect.fnUntraced(function* (
  options: AddressOptions
): Effect.fn.Return<Connected, QQError, Scope.Scope> {
  const { setting = "url" } = options
  const address = yield* parsed(options)
  const at = where(address)
  const current = yield* Effect.mapError(connect(yield* importRedis(setting), address), (error) =>
    error instanceof WrongAddress
      ? unusable(setting, at, undefined, wrongs[error.wrong])
      : unusable(setting, at, shown(error, redisErrors), advice(shown(error, redisErrors)))
  )
  return { current, failed: (problem) => unusable(setting, at, problem, advice(problem)) }
})

const ofClient = (client: Client): Effect.Effect<Connected, QQError> => {
  const setting = "store"
  if (!isClient(client)) {
    return Effect.fail(
      invalidConfig(setting, "must be a client of redis or ioredis", "必须是 redis 或 ioredis 的客户端")
    )
  }
  const connection: Connection = { client, onError: () => {}, replaced: Latch.makeUnsafe() }
  return Effect.succeed({
    current: () => connection,
    failed: (problem) => unusable(setting, "", problem, advice(problem))
  })
}

/**
 * The stores over their own connection. It is made when the layer is built, and made anew whenever it is lost: a
 * failover of a cluster or of Sentinel is followed. If Redis can't be used when the layer is built, the layer fails with
 * a `QQError` that names the setting and the fix. Needs the package `redis`.
 */
export const layer = (options: Options): Layer.Layer<TokenCache | Quota | PushStore, QQError> =>
  Layer.unwrap(Effect.map(ofAddress(options), (connected) => storesOver(connected, options)))

/**
 * The stores over a client that the app has made: of the package `redis` (`createClient`, `createClientPool`,
 * `createCluster`, `createSentinel`; connect it first) or of `ioredis` (`Redis`, `Cluster`). The stores never close it.
 * Notifications come over another connection: over a duplicate, or over the one that the client of a cluster or of
 * Sentinel has for them. A pool has none, so waiting processes poll.
 *
 * ```ts
 * const qq = createQQMini({ appid, appsecret, store: RedisStores.fromClient(new Redis.Cluster(nodes)) })
 * ```
 */
export const fromClient = (
  client: Client,
  options: RedisTokenCache.Options = {}
): Layer.Layer<TokenCache | Quota | PushStore, QQError> =>
  Layer.unwrap(Effect.map(ofClient(client), (connected) => storesOver(connected, options)))

/**
 * Redis itself, for what else of `effect/persistence` is to live there, such as a queue: see `PatientRedis` of the core.
 * It has a connection of its own, made as that of {@link layer}. Commands run in scripts, so `send` can't run those that
 * wait or subscribe. On a cluster the first argument of a command is its key, and `SCAN` needs a pattern with the hash
 * tag of the keys. No connection can be reserved.
 */
export const layerRedis = (options: AddressOptions): Layer.Layer<Redis.Redis, QQError> =>
  Layer.unwrap(Effect.map(ofAddress(options), redisItself))

/** The same as {@link layerRedis} over a client as {@link fromClient} takes it. */
export const layerRedisFromClient = (client: Client): Layer.Layer<Redis.Redis, QQError> =>
  Layer.unwrap(Effect.map(ofClient(client), redisItself))
