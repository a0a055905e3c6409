/** How far a broadcast is. */
import { makeRate } from "../bulk/rate.ts"
import type { Counts, Entry } from "../ledger/types.ts"
import { type BadRow, type Document, empty, parse } from "./document.ts"

/** How far a broadcast is. `new + sending + sent + unknown` and all of `refused` are together `recipients`. */
export interface Progress extends Counts {
  readonly id: string
  /**
   * - `loading`: the recipients are still being read. Messages are sent already.
   * - `sending`: all recipients were read.
   * - `paused`, `cancelled`: as somebody wanted it, or as the client did because of `why`.
   * - `finished`: every recipient has a result.
   */
  readonly state: "loading" | "sending" | "paused" | "cancelled" | "finished"
  /** Why it was paused: the error of the message, as a `QQError` as JSON, or the text that was given. */
  readonly why: string
  /** The rows of the source that were read. */
  readonly rows: number
  /** The rows that were left out: bad ones and duplicates. */
  readonly bad: number
  /** The first 100 of them. */
  readonly badRows: ReadonlyArray<BadRow>
  /** The recipients in the ledger. */
  readonly recipients: number
  /** The recipients with a result. */
  readonly done: number
  /** Messages a second, over the last half minute of this process' observation, by all workers. */
  readonly rate?: number | undefined
  /** The time left in milliseconds, if all recipients were read and the rate stays. */
  readonly timeLeft?: number | undefined
}

/** What the ledger remembers of the loading. */
export const documentOf = ({ document }: Entry): Document => parse(document) ?? empty(0, false)

const sum = (numbers: ReadonlyArray<number>): number => numbers.reduce((a, b) => a + b, 0)

/** The progress of a broadcast in the ledger. */
export const progressOf = (id: string, entry: Entry): Progress => {
  const { control, counts, why } = entry
  const { bad, badRows, isComplete, rows } = documentOf(entry)
  const done = counts.sent + counts.unknown + sum(Object.values(counts.refused))
  const left = counts.new + counts.sending
  const running = isComplete ? "sending" : "loading"
  // A broadcast that is paused after its last message is finished too.
  const state = isComplete && left === 0 ? "finished" : control === "running" ? running : control
  return { ...counts, id, state, why, rows, bad, badRows, recipients: left + done, done }
}

/** The progress of a broadcast that has not begun. */
export const notBegun = (id: string): Progress =>
  progressOf(id, {
    created: "",
    control: "running",
    why: "",
    loaded: 0,
    document: "",
    counts: { new: 0, sending: 0, sent: 0, unknown: 0, refused: {} }
  })

/** Whether nothing is left to do: all is sent, or it was cancelled and no message is on its way. */
export const isOver = ({ sending, state }: Progress): boolean =>
  state === "finished" || (state === "cancelled" && sending === 0)

/** Makes the function that adds the rate and the time left, from what was observed before. */
export const makeRated = (): ((progress: Progress, now: number) => Progress) => {
  const rateOf = makeRate()
  return (progress, now) => {
    const rate = rateOf(progress.done, now)
    if (rate === undefined) return progress
    const left = progress.new + progress.sending
    return { ...progress, rate, ...(progress.state === "sending" && { timeLeft: (left / rate) * 1_000 }) }
  }
}
