/** Broadcasts: messages to many, that go on after a crash. */
export * as CsvRecipients from "@qq-mini/node/CsvRecipients"
export { createBroadcast, type Options as BroadcastOptions } from "@qq-mini/node/NodeBroadcast"
export type { PromiseBroadcast as Broadcast } from "@qq-mini/core/PromiseBroadcast"
export { Row } from "@qq-mini/core/Broadcast"
export type { Progress as BroadcastProgress } from "@qq-mini/core/Broadcast"
