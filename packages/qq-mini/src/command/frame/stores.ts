/** The stores of work in bulk, and the client that shares QQ's limits with them. */
import type { QQError } from "@qq-mini/core/QQError"
import { Quota } from "@qq-mini/core/Quota"
import * as BulkStores from "@qq-mini/node/BulkStores"
import { type Options, storeByName } from "@qq-mini/node/NodeQQMini"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { withClient } from "./client.ts"
import type { Settings } from "./Settings.ts"

/** Whether the settings keep nothing: then work can't go on after its end. */
export const isInMemory = ({ values }: Settings): boolean => values.QQ_STORE === "memory"

/** The stores that the settings name. Work in bulk and the token are kept in the same one. */
export const layerStores = ({ values }: Settings): Layer.Layer<BulkStores.Stores, QQError> =>
  BulkStores.layer({ store: values.QQ_STORE })

/**
 * Runs an effect with the client. A limit is counted in the store, so that a command that is repeated right after its end
 * does not exceed it.
 */
export const withCountingClient = (settings: Settings) => {
  const store = storeByName(settings.values.QQ_STORE)
  const options = Effect.map(Quota, (quota): Options =>
    store === undefined ? {} : { store: Layer.merge(store, Layer.succeed(Quota, quota)) }
  )
  return <A, E, R>(effect: Effect.Effect<A, E, R>) =>
    Effect.flatMap(options, (options) => withClient(settings, options)(effect))
}
