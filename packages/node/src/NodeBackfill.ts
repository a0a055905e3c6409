/**
 * Backfills on Node for apps without Effect: `createBackfill`. In Effect use `Moderation.backfill` over the layer of
 * `BulkStores`.
 */
import type * as Moderation from "@qq-mini/core/Moderation"
import type { PromiseClient } from "@qq-mini/core/Promise"
import * as PromiseBackfill from "@qq-mini/core/PromiseBackfill"
import * as BulkStores from "./BulkStores.ts"

/** The options of a backfill, and where its verdicts are kept. */
export interface Options<A> extends Moderation.Options<A, Error>, Pick<BulkStores.Options, "store"> {}

/**
 * Makes a backfill on a client of `createQQMini`. Nothing is checked before `run` or `step` is called.
 *
 * ```ts
 * await using qq = createQQMini({ appid, appsecret })
 * await using backfill = createBackfill(qq, {
 *   id: "comments-2026",
 *   items: comments,
 *   content: ({ text }) => ({ text }),
 *   onVerdict: (comment, { verdict }) => (verdict === "risky" ? hide(comment) : undefined),
 *   store: "sqlite:verdicts.sqlite"
 * })
 * const { passed, risky, failed } = await backfill.run()
 * ```
 */
export const createBackfill = <A>(client: PromiseClient, options: Options<A>): PromiseBackfill.PromiseBackfill => {
  // From JavaScript without options, the first call rejects with what is missing.
  const { store, ...own } = options ?? ({} as Options<A>)
  return PromiseBackfill.make(client, BulkStores.layerLogged({ store }), own)
}
