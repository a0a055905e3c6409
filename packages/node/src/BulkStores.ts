/**
 * What work in bulk remembers, under one name: the ledger of broadcasts, the queue of chunks, the verdicts of checks, and
 * the count of limits.
 * Processes that name the same store work together.
 */
import { checkNames } from "@qq-mini/core/adapter/Setup"
import { invalidConfig, redact } from "@qq-mini/core/App"
import * as PatientRedis from "@qq-mini/core/PatientRedis"
import type { QQError } from "@qq-mini/core/QQError"
import type { Quota } from "@qq-mini/core/Quota"
import * as RedisQuota from "@qq-mini/core/RedisQuota"
import * as RedisSendLedger from "@qq-mini/core/RedisSendLedger"
import * as RedisVerdictStore from "@qq-mini/core/RedisVerdictStore"
import type { SendLedger } from "@qq-mini/core/SendLedger"
import type { VerdictStore } from "@qq-mini/core/VerdictStore"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as PersistedQueue from "effect/persistence/PersistedQueue"
import type * as Redis from "effect/persistence/Redis"
import * as UserDirectories from "effect/persistence/UserDirectories"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { join } from "node:path"
import * as SqliteQueueStore from "./SqliteQueueStore.ts"
import * as SqliteQuota from "./SqliteQuota.ts"
import * as SqliteSendLedger from "./SqliteSendLedger.ts"
import * as SqliteVerdictStore from "./SqliteVerdictStore.ts"

/** The stores that work in bulk needs. */
export type Stores =
  | SendLedger
  | VerdictStore
  | Quota
  | PersistedQueue.PersistedQueueStore
  | PersistedQueue.PersistedQueueFactory

/** The options of the stores. */
export interface Options {
  /**
   * Where the work is remembered:
   * - `sqlite` (the default): in a file of the user (in `~/.local/state/qq-mini` on Linux), for the processes of this
   *   machine.
   * - `sqlite:/path/to/file`: in this file. It must be on a local disk.
   * - `redis://user:password@host:6379/0`, and the other addresses of `createQQMini`: in Redis, for many machines. Redis
   *   must not lose what it has confirmed: see `RedisSendLedger`. Needs the package `redis`.
   * - `RedisStores.layerRedisFromClient(client)`: in Redis, over a client of your own.
   */
  readonly store?: string | Redacted.Redacted<string> | Layer.Layer<Redis.Redis, QQError> | undefined
  /**
   * How long the chunk of a process that died is kept from the others. A living process renews it. By default 90 seconds.
   */
  readonly lockExpiration?: Duration.Input | undefined
}

const names = { store: [], lockExpiration: [] } satisfies Record<keyof Options, ReadonlyArray<string>>

const setting = "store"

// All keys of a queue are in one slot of a cluster.
const queuePrefix = "qq-mini:{bulk}:"

// A lock is renewed this often before it ends.
const renewals = 3

const queueOptions = ({ lockExpiration = "90 seconds" }: Options): Effect.Effect<QueueOptions, QQError> => {
  const lock = Duration.fromInput(lockExpiration)
  return Option.isNone(lock) || !Duration.isPositive(lock.value) || !Duration.isFinite(lock.value)
    ? Effect.fail(
        invalidConfig(
          "lockExpiration",
          'must be a time above 0, as 90000 (milliseconds) or "90 seconds"',
          '必须是大于 0 的时间，如 90000（毫秒）或 "90 seconds"'
        )
      )
    : Effect.succeed({
        lockExpiration: lock.value,
        lockRefreshInterval: Duration.divideUnsafe(lock.value, renewals)
      })
}

interface QueueOptions {
  readonly lockExpiration: Duration.Duration
  readonly lockRefreshInterval: Duration.Duration
}

const inFile = (path: string, queue: QueueOptions) =>
  Layer.mergeAll(
    SqliteSendLedger.layer({ path, setting }),
    SqliteVerdictStore.layer({ path, setting }),
    SqliteQuota.layer({ path, setting }),
    SqliteQueueStore.layer({ path, setting, ...queue })
  )

const inRedis = (redis: Layer.Layer<Redis.Redis, QQError>, queue: QueueOptions) =>
  Layer.mergeAll(
    RedisSendLedger.layer(),
    RedisVerdictStore.layer(),
    RedisQuota.layer({ whenAway: "fail" }),
    PersistedQueue.layerStoreRedis({ prefix: queuePrefix, ...queue }).pipe(Layer.provide(PatientRedis.layer))
  ).pipe(Layer.provide(redis))

const notAStore = invalidConfig(
  setting,
  'must be "sqlite", "sqlite:/path/to/file", "redis://user:password@host:6379/0", or RedisStores.layerRedisFromClient(client)',
  '必须是 "sqlite"、"sqlite:/path/to/file"、"redis://user:password@host:6379/0"，或 RedisStores.layerRedisFromClient(client)'
)

const defaultPath = UserDirectories.UserDirectories.pipe(
  Effect.flatMap((directories) => directories.state("qq-mini")),
  Effect.map((folder) => join(folder, "bulk.sqlite")),
  Effect.provide(UserDirectories.layer),
  Effect.mapError(() =>
    invalidConfig(
      setting,
      "has no folder of the user on this machine: write sqlite:/path/to/file",
      "本机没有用户目录：请写成 sqlite:/path/to/file"
    )
  )
)

/** The stores. Building them fails with a `QQError` if the store can't be used: it names the setting and the fix. */
export const layer = (options: Options = {}): Layer.Layer<Stores, QQError> =>
  Layer.unwrap(
    Effect.gen(function* () {
      yield* checkNames(options, names)
      const queue = yield* queueOptions(options)
      const { store = "sqlite" } = options
      if (Layer.isLayer(store)) return inRedis(store as Layer.Layer<Redis.Redis, QQError>, queue)
      const name = Redacted.isRedacted(store) ? Redacted.value(store) : store
      if (typeof name !== "string") return yield* notAStore
      if (name === "sqlite") return inFile(yield* defaultPath, queue)
      const path = /^sqlite:(?:\/\/)?(.+)$/.exec(name)?.[1]
      if (path !== undefined) return inFile(path, queue)
      if (!/^(?:rediss?(?:\+\w+)?):/i.test(name)) return yield* notAStore
      const { layerRedis } = yield* Effect.promise(() => import("./RedisStores.ts"))
      return inRedis(layerRedis({ url: redact(name), setting }), queue)
    })
  ).pipe((stores) => Layer.provideMerge(PersistedQueue.layer, stores))

/** The stores for apps without Effect: warnings go to the standard error, because the standard output belongs to the app. */
export const layerLogged = (options?: Options): Layer.Layer<Stores, QQError> =>
  Layer.provideMerge(layer(options), Layer.succeed(Logger.LogToStderr, true))
