/** What the ledger remembers of the loading of a broadcast. */
import * as Result from "effect/Result"
import type { AppId } from "../App.ts"
import type { Help } from "../internal/reason.ts"
import type { Shared } from "./message.ts"

/** A row that was left out. */
export interface BadRow {
  /** The line in the source, from 1. */
  readonly line: number
  /** The field, such as `touser` or `data.keyword1.value`. */
  readonly field: string
  /** The problem. It never contains the value. */
  readonly problem: Help
}

/** The loading of a broadcast. */
export interface Document {
  /** Rows of the source in a chunk. */
  readonly size: number
  /** Whether the chunks are in the queue, for many workers. Without, one process at a time reads the source. */
  readonly isQueued: boolean
  /** The program that sends, if the options named it. */
  readonly appid?: AppId | undefined
  /** What all messages shared when it began. */
  readonly shared?: Shared | undefined
  /** The rows that were read. */
  readonly rows: number
  /** The mark of the last of them, if the source has marks. */
  readonly after?: string | undefined
  /** The rows that were left out. */
  readonly bad: number
  /** The first of them. */
  readonly badRows: ReadonlyArray<BadRow>
  /** Tells whether the source is still the same. */
  readonly digest: number
  /** Whether all rows were read. */
  readonly isComplete: boolean
}

/** More bad rows are counted, but not kept. */
const maxBadRows = 100

/** The document of a broadcast of which nothing is loaded. */
export const empty = (size: number, isQueued: boolean, begun: Pick<Document, "appid" | "shared"> = {}): Document => ({
  ...begun,
  size,
  isQueued,
  rows: 0,
  bad: 0,
  badRows: [],
  digest: 0,
  isComplete: false
})

/** Adds the rows of a chunk. */
export const withChunk = (
  document: Document,
  chunk: {
    readonly rows: number
    readonly after: string | undefined
    readonly badRows: ReadonlyArray<BadRow>
    readonly digest: number
  }
): Document => ({
  ...document,
  rows: document.rows + chunk.rows,
  after: chunk.after,
  bad: document.bad + chunk.badRows.length,
  badRows: [...document.badRows, ...chunk.badRows].slice(0, maxBadRows),
  digest: chunk.digest
})

/** Reads a document. */
export const parse = (text: string): Document | undefined =>
  Result.getOrUndefined(Result.try(() => JSON.parse(text) as Document))
