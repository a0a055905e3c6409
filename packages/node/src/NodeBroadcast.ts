/**
 * Broadcasts on Node for apps without Effect: `createBroadcast`. In Effect use `Broadcast` over the layer of
 * `BulkStores`.
 */
import type * as Broadcast from "@qq-mini/core/Broadcast"
import type { PromiseClient } from "@qq-mini/core/Promise"
import * as PromiseBroadcast from "@qq-mini/core/PromiseBroadcast"
import * as BulkStores from "./BulkStores.ts"

/** The options of a broadcast, and where it is remembered. */
export interface Options<A> extends Broadcast.Options<A, Error>, BulkStores.Options {}

/**
 * Makes a broadcast on a client of `createQQMini`. Nothing is sent before `run` or `step` is called.
 *
 * ```ts
 * await using qq = createQQMini({ appid, appsecret })
 * await using broadcast = createBroadcast(qq, {
 *   id: "autumn-2026",
 *   template_id,
 *   recipients: CsvRecipients.read("users.csv"),
 *   store: "sqlite:broadcasts.sqlite"
 * })
 * const result = await broadcast.run({ onProgress: ({ done, recipients }) => console.log(done, "of", recipients) })
 * ```
 *
 * A process that is killed goes on when it is started again. Several processes that name the same `id` and `store` share
 * the work. Wrong options reject the first call with a `QQError`.
 */
export const createBroadcast = <A>(client: PromiseClient, options: Options<A>): PromiseBroadcast.PromiseBroadcast => {
  // From JavaScript without options, the first call rejects with what is missing.
  const { lockExpiration, store, ...own } = options ?? { id: "" }
  return PromiseBroadcast.make(client, BulkStores.layerLogged({ lockExpiration, store }), own)
}
