/** Tokens in a collection of the cloud database that nobody else uses. */
import type { QQError } from "@qq-mini/core/QQError"
import type { TokenCache } from "@qq-mini/core/TokenCache"
import type * as Layer from "effect/Layer"
import * as DocumentTokenCache from "./internal/documentTokenCache.ts"
import type { Database } from "./UniCloud.ts"

/** The name of the collection by default. */
export const defaultCollection = "qq-mini-tokens"

/** Which collection holds the tokens. */
export interface Options {
  /** By default {@link defaultCollection}. */
  readonly collection?: string | undefined
}

/**
 * The store over a collection. Only cloud functions may read the collection, which is the default of a new one. Fails if
 * it was never created, with the step that creates it.
 */
export const layer = (
  database: Database,
  { collection = defaultCollection }: Options = {}
): Layer.Layer<TokenCache, QQError> => DocumentTokenCache.layer({ database, collection, id: (key) => key })
