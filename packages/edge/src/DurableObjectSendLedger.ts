/**
 * The ledger of broadcasts in Cloudflare Durable Objects: each recipient is sent to once by all Workers. The objects are
 * instances of the class {@link "./QQBroadcasts.ts"!QQBroadcasts}, which the Worker must export.
 */
import type { QQError } from "@qq-mini/core/QQError"
import { SendLedger, SendLedgerError } from "@qq-mini/core/SendLedger"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { ask, bound, type Namespace, problemOf } from "./internal/durableObject.ts"
import * as LedgerWire from "./internal/ledgerWire.ts"

export type { Namespace } from "./internal/durableObject.ts"

const make = (namespace: Namespace): SendLedger["Service"] =>
  LedgerWire.client((object, asked) =>
    Effect.tryPromise({
      try: (signal) => ask(namespace, object, asked, signal),
      catch: (error) => new SendLedgerError({ operation: asked.operation, problem: problemOf(error) })
    })
  )

/**
 * The ledger over a binding: `DurableObjectSendLedger.layer(env.QQ_BROADCASTS)`. Fails with a `QQError` without a binding.
 */
export const layer = (namespace: Namespace | undefined): Layer.Layer<SendLedger, QQError> =>
  Layer.effect(
    SendLedger,
    Effect.map(bound(namespace, { setting: "ledger", binding: "QQ_BROADCASTS", className: "QQBroadcasts" }), make)
  )
