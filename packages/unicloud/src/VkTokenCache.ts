/** Tokens in `vk-global-data`, shared with a running vk-unicloud. */
import type { QQError } from "@qq-mini/core/QQError"
import type { TokenCache } from "@qq-mini/core/TokenCache"
import type * as Layer from "effect/Layer"
import * as DocumentTokenCache from "./internal/documentTokenCache.ts"
import { appidOf, type Format, inDocuments, never, slotId } from "./internal/foreignToken.ts"
import type { Database } from "./UniCloud.ts"

const collection = "vk-global-data"
// vk fetches a new token every 240 seconds.
const maxLifetimeMillis = 240_000
const tokenId = (appid: string) => `mp-qq-access_token-${appid}`

const twoDigits = (n: number) => String(n).padStart(2, "0")

/** Formats a time as Beijing time, such as `2026-11-24 18:30:00`. vk stores it beside the epoch time. */
const beijingTime = (millis: number): string => {
  const date = new Date(millis + 8 * 3_600_000)
  const day = [date.getUTCFullYear(), twoDigits(date.getUTCMonth() + 1), twoDigits(date.getUTCDate())]
  const time = [date.getUTCHours(), date.getUTCMinutes(), date.getUTCSeconds()].map(twoDigits)
  return `${day.join("-")} ${time.join(":")}`
}

const format: Format = {
  id: tokenId,
  read: ({ _add_time, expired_at, value }) => {
    if (typeof value !== "string" || value === "") return undefined
    return {
      token: value,
      expires: typeof expired_at === "number" && expired_at > 0 ? expired_at : never,
      since: typeof _add_time === "number" ? _add_time : undefined,
      raw: { value }
    }
  },
  write: (_id, token, { expires, now }) => ({
    _id,
    key: _id,
    value: token,
    expired_at: Math.floor(expires),
    _add_time: now,
    _add_time_str: beijingTime(now)
  })
}

/**
 * The store over `vk-global-data`, in vk-unicloud's format:
 * `{ _id: "mp-qq-access_token-<appid>", key, value: "<token>", expired_at: <epoch ms>, _add_time, _add_time_str }`.
 *
 * A running vk fetches a new token every 240 seconds, which invalidates all other tokens. So this store uses a token no
 * longer than that. When vk is no longer used for the appid, another store saves these fetches.
 */
export const layer = (database: Database): Layer.Layer<TokenCache, QQError> =>
  DocumentTokenCache.layer({
    database,
    collection,
    id: (key) => slotId(tokenId(appidOf(key))),
    fields: (id) => ({ key: id, expired_at: 0 }),
    foreign: inDocuments(database, collection, format),
    maxLifetime: maxLifetimeMillis
  })
