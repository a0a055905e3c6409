/** Stores of queues, at an address of Redis or in a file of SQLite. */
import * as PatientRedis from "@qq-mini/core/PatientRedis"
import * as RedisStores from "@qq-mini/node/RedisStores"
import * as SqliteQueueStore from "@qq-mini/node/SqliteQueueStore"
import * as Layer from "effect/Layer"
import * as PersistedQueue from "effect/persistence/PersistedQueue"
import type { Redis } from "effect/persistence/Redis"

/** Times of a store, in milliseconds. */
export interface Times {
  readonly pollInterval?: number
  readonly lockRefreshInterval?: number
  readonly lockExpiration?: number
}

/** A store over a Redis that waits. All keys have the same hash tag, for clusters. */
export const overRedis = <E>(redis: Layer.Layer<Redis, E>, times: Times = {}) =>
  PersistedQueue.layerStoreRedis({ prefix: "{queues}:", ...times }).pipe(
    Layer.provide(PatientRedis.layer),
    Layer.provide(redis)
  )

/** The store at an address. Built anew each time, as another process has it. */
export const storeAt = (address: string, times: Times = {}) =>
  Layer.fresh(
    address.startsWith("redis")
      ? overRedis(RedisStores.layerRedis({ url: address }), times)
      : SqliteQueueStore.layer({ path: address, ...times })
  )
