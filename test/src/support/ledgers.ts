/** Ledgers of broadcasts, at an address of Redis or in a file of SQLite. */
import type { QQError } from "@qq-mini/core/QQError"
import * as RedisSendLedger from "@qq-mini/core/RedisSendLedger"
import type { SendLedger } from "@qq-mini/core/SendLedger"
import * as RedisStores from "@qq-mini/node/RedisStores"
import * as SqliteSendLedger from "@qq-mini/node/SqliteSendLedger"
import * as Layer from "effect/Layer"

/** The ledger at an address. */
export const ledgerAt = (address: string): Layer.Layer<SendLedger, QQError> =>
  address.startsWith("redis")
    ? Layer.provide(RedisSendLedger.layer(), RedisStores.layerRedis({ url: address }))
    : SqliteSendLedger.layer({ path: address })
