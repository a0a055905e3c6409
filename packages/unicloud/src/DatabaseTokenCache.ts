/** Tokens in the cloud database, in a collection of their own. */
import type { QQError } from "@qq-mini/core/QQError"
import type { TokenCache } from "@qq-mini/core/TokenCache"
import type * as Layer from "effect/Layer"
import * as DocumentTokenCache from "./internal/documentTokenCache.ts"
import type { Database } from "./UniCloud.ts"

/** The default name of the collection. */
export const defaultCollection = "qq-mini-tokens"

/** The options of the store. */
export interface Options {
  /** The name of the collection. By default {@link defaultCollection}. */
  readonly collection?: string | undefined
}

/**
 * The store over a collection. Only cloud functions may have permission to read the collection; this is the default of
 * a new collection. If the collection does not exist, the layer fails with a `QQError` that says how to create it.
 */
export const layer = (
  database: Database,
  { collection = defaultCollection }: Options = {}
): Layer.Layer<TokenCache, QQError> => DocumentTokenCache.layer({ database, collection, id: (key) => key })
