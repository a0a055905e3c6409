/**
 * Broadcasts in cloud functions: `createBroadcast`, whose steps are made by a timer. The cloud database remembers what
 * became of every recipient, in the collection `qq-mini-broadcasts`, so any number of instances may work on one
 * broadcast. In Effect use `Broadcast.makeSteps` over `DatabaseSendLedger`.
 */
import type * as Broadcast from "@qq-mini/core/Broadcast"
import type { PromiseClient } from "@qq-mini/core/Promise"
import * as PromiseBroadcast from "@qq-mini/core/PromiseBroadcast"
import * as Quota from "@qq-mini/core/Quota"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as DatabaseSendLedger from "./DatabaseSendLedger.ts"
import { timeOf } from "./internal/timeLeft.ts"
import type { QueryDatabase } from "./UniCloud.ts"
import * as UniCloudQQMini from "./UniCloudQQMini.ts"

/** A broadcast in a cloud function. */
export interface UniCloudBroadcast extends Omit<PromiseBroadcast.PromiseSteps, "step"> {
  /**
   * Works until the time of the function is nearly over: `timeLeft` of the client, or else its `deadline`, 4 seconds.
   * `budget` is another time; a number is milliseconds.
   */
  readonly step: (
    options?: Partial<Parameters<PromiseBroadcast.PromiseSteps["step"]>[0]>
  ) => Promise<Broadcast.Progress>
}

// Only Redis can count a limit over all instances.
const stores = (options: UniCloudQQMini.Options) =>
  Layer.merge(
    UniCloudQQMini.inDatabase(options, (database) => DatabaseSendLedger.layer(() => database as QueryDatabase)),
    options.store === "redis" ? UniCloudQQMini.layerRedis(options) : Quota.layerMemory
  )

/**
 * Makes a broadcast on a client of `createQQMini`. Make it once, outside the handler. Nothing is sent before a step.
 *
 * ```js
 * const broadcast = createBroadcast(qq, {
 *   id: "autumn-2026",
 *   template_id,
 *   recipients: readRecipients(uniCloud.database(), "users", { where: { subscribed: true } })
 * })
 * exports.main = async () => await broadcast.step({ budget: 50000 })
 * ```
 *
 * The timeout of a message is the client's `deadline`. `rate` is counted over all instances if the client's store is
 * `redis`, or else by each instance. Wrong options reject the first call with a `QQError`.
 */
export const createBroadcast = <A>(client: PromiseClient, options: Broadcast.Options<A, Error>): UniCloudBroadcast => {
  const settings = UniCloudQQMini.optionsOf(client) ?? {}
  const { deadline = 4_000, timeLeft } = settings
  const steps = PromiseBroadcast.makeSteps(client, stores(settings), { deadline, ...options })
  return {
    ...steps,
    step: async ({ budget } = {}) => {
      const left = budget === undefined ? await Effect.runPromise(timeOf(timeLeft)) : Infinity
      return steps.step({ budget: budget ?? (left === Infinity ? deadline : Math.max(1, left)) })
    }
  }
}
