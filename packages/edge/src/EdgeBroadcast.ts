/**
 * Broadcasts on Workers for handlers without Effect: `createBroadcast`, whose steps are made by a Cron trigger. Durable
 * Objects of the class `QQBroadcasts` remember what became of every recipient. In Effect use `Broadcast.makeSteps`.
 */
import type * as Broadcast from "@qq-mini/core/Broadcast"
import type { PromiseClient } from "@qq-mini/core/Promise"
import * as PromiseBroadcast from "@qq-mini/core/PromiseBroadcast"
import type { QQError } from "@qq-mini/core/QQError"
import * as Quota from "@qq-mini/core/Quota"
import type { SendLedger } from "@qq-mini/core/SendLedger"
import * as Layer from "effect/Layer"

/** The options of a broadcast, and where it is remembered. */
export interface Options<A> extends Broadcast.Options<A, Error> {
  /** The ledger: `DurableObjectSendLedger.layer(env.QQ_BROADCASTS)`, or the layer of another one. */
  readonly ledger: Layer.Layer<SendLedger, QQError>
}

/**
 * Makes a broadcast on a client of `createQQMini`. Make it once, outside the handler. Nothing is sent before a step.
 *
 * ```ts
 * import { env } from "cloudflare:workers"
 * const qq = createQQMini({ env, store: durableObject(env.QQ_TOKENS) })
 * const broadcast = createBroadcast(qq, {
 *   id: "autumn-2026",
 *   template_id,
 *   recipients, // such as a function that reads D1
 *   ledger: DurableObjectSendLedger.layer(env.QQ_BROADCASTS)
 * })
 *
 * export { QQTokens } from "@qq-mini/edge"
 * export { QQBroadcasts } from "@qq-mini/edge/QQBroadcasts"
 * export default {
 *   scheduled: async () => console.log(await broadcast.step({ budget: "25 seconds" }))
 * }
 * ```
 *
 * Workers limit the requests of one invocation: a message needs one, and the ledger about as many again. Keep the budget
 * short enough. `rate` is counted by each isolate.
 */
export const createBroadcast = <A>(
  client: PromiseClient,
  { ledger, ...options }: Options<A>
): PromiseBroadcast.PromiseSteps => PromiseBroadcast.makeSteps(client, Layer.merge(ledger, Quota.layerMemory), options)
