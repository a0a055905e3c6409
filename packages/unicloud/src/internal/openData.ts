/** The collection `opendb-open-data`, in which DCloud's own software stores tokens and session keys. */
import type { QQError } from "@qq-mini/core/QQError"
import type { TokenCache } from "@qq-mini/core/TokenCache"
import type * as Layer from "effect/Layer"
import type { Database } from "../UniCloud.ts"
import * as DocumentTokenCache from "./documentTokenCache.ts"
import { appidOf, type ForeignTokens, slotId } from "./foreignToken.ts"

/** The name of the collection. */
export const openData = "opendb-open-data"

/** The `_id` of the document with a program's token. */
export const tokenId = (appid: string): string => `uni-id:qq-mp:${appid}:access-token`

/** Parses the `value` of a document. Some software stores it as JSON text, and some as an object. */
export const parse = (value: unknown): any => {
  if (typeof value !== "string") return value
  try {
    return JSON.parse(value)
  } catch {
    return undefined
  }
}

/** The store whose slots are in this collection, shared with other software. */
export const layerShared = (database: Database, foreign: ForeignTokens): Layer.Layer<TokenCache, QQError> =>
  DocumentTokenCache.layer({
    database,
    collection: openData,
    id: (key) => slotId(tokenId(appidOf(key))),
    fields: () => ({ expired: -1 }),
    foreign
  })
