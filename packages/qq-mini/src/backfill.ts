/** Checks of a whole backlog of content. */
export { createBackfill, type Options as BackfillOptions } from "@qq-mini/node/NodeBackfill"
export type { PromiseBackfill as Backfill } from "@qq-mini/core/PromiseBackfill"
export type { Progress as BackfillProgress } from "@qq-mini/core/Moderation"
