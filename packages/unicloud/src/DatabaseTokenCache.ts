/** Tokens in the cloud database, in a collection of their own. */
import { checkNames } from "@qq-mini/core/adapter/Setup"
import { invalidConfig } from "@qq-mini/core/App"
import type { QQError } from "@qq-mini/core/QQError"
import type { TokenCache } from "@qq-mini/core/TokenCache"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as DocumentTokenCache from "./internal/documentTokenCache.ts"
import type { Database } from "./UniCloud.ts"

/** The default name of the collection. */
export const defaultCollection = "qq-mini-tokens"

/** The options of the store. */
export interface Options {
  /** The name of the collection. By default {@link defaultCollection}. */
  readonly collection?: string | undefined
}

const names = { collection: [] } satisfies Record<keyof Options, ReadonlyArray<string>>

/**
 * The store over a collection. Only cloud functions may have permission to read the collection; this is the default of
 * a new collection. If the collection does not exist, the layer fails with a `QQError` that says how to create it.
 */
export const layer = (database: Database, options: Options = {}): Layer.Layer<TokenCache, QQError> =>
  Layer.unwrap(
    Effect.gen(function* () {
      yield* checkNames(options, names)
      const { collection = defaultCollection } = options
      if (typeof collection !== "string" || collection === "") {
        return yield* invalidConfig("collection", "must be the name of a collection", "必须是集合名称")
      }
      return DocumentTokenCache.layer({ database, collection, id: (key) => key })
    })
  )
