/** The collection `opendb-open-data`, in which DCloud's own software keeps tokens and session keys. */
import type { QQError } from "@qq-mini/core/QQError"
import type { TokenCache } from "@qq-mini/core/TokenCache"
import type * as Layer from "effect/Layer"
import type { Database } from "../UniCloud.ts"
import * as DocumentTokenCache from "./documentTokenCache.ts"
import { appidOf, besideId, type ForeignTokens } from "./foreignToken.ts"

/** The name of the collection. */
export const openData = "opendb-open-data"

/** The `_id` of a program's token in it. */
export const tokenId = (appid: string): string => `uni-id:qq-mp:${appid}:access-token`

/** The `value` of a document, which some writers keep as JSON text and some as an object. */
export const parse = (value: unknown): any => {
  if (typeof value !== "string") return value
  try {
    return JSON.parse(value)
  } catch {
    return undefined
  }
}

/** The store whose slots are in the collection, beside tokens of other software. */
export const layerBeside = (database: Database, foreign: ForeignTokens): Layer.Layer<TokenCache, QQError> =>
  DocumentTokenCache.layer({
    database,
    collection: openData,
    id: (key) => besideId(tokenId(appidOf(key))),
    fields: () => ({ expired: -1 }),
    foreign
  })
