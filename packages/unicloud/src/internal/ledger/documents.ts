/** The documents of the ledger: broadcasts and rows, in one collection. Pure functions. */
import { claimRow, type MemoryRow } from "@qq-mini/core/adapter/ledgerRows"
import type { Claimed, Claiming, Control, State } from "@qq-mini/core/SendLedger"
import type { Document } from "../../UniCloud.ts"

/** How many documents one operation reads or changes at most: the limit of aliyun. */
export const maxDocuments = 500

/** What `s` is in the document of a broadcast. One that is being removed exists for nobody. */
export const kinds = { broadcast: "broadcast", removed: "removed" } as const

// The length keeps apart what would look alike: broadcast "a" with recipient "bc", and "ab" with "c".
const rowsOf = (broadcast: string) => `r${broadcast.length}:${broadcast}`

/** The `_id` of a broadcast. */
export const broadcastId = (broadcast: string): string => `b${broadcast}`
/** The name of the broadcast with this `_id`. */
export const nameOf = (id: unknown): string => String(id).slice(1)
/** The `_id` of a row. */
export const rowId = (broadcast: string, recipient: string): string => rowsOf(broadcast) + recipient
/** The recipients of rows. */
export const recipientsOf = (rows: ReadonlyArray<{ readonly recipient: string }>): ReadonlyArray<string> =>
  rows.map(({ recipient }) => recipient)
/** The recipient of the row with this `_id`. */
export const recipientOf = (broadcast: string, id: unknown): string => String(id).slice(rowsOf(broadcast).length)

/** Marks a text. Aliyun turns a text that looks like a date into a date, and a marked one does not. */
export const marked = (text: string): string => `=${text}`
/** The text that was marked. */
export const unmarked = (text: unknown): string => String(text).slice(1)

/** A broadcast as it is stored. Its rows have `created` in `b`. */
export interface Broadcast {
  readonly created: string
  readonly control: Control
  readonly why: string
  readonly loaded: number
  readonly document: string
}

const refused = "refused:"

/** What `s` is in the document of a row: its state, with the reason of a refused one. */
export const stateField = (state: State, reason = ""): string => (state === "refused" ? refused + reason : state)

/** The row in a document. Its message is still {@link packed}. */
export const rowOf = (broadcast: string, { _id, c, l, m, s, u }: Document): MemoryRow => {
  const field = String(s)
  const isRefused = field.startsWith(refused)
  return {
    recipient: recipientOf(broadcast, _id),
    line: Number(l),
    state: isRefused ? "refused" : (field as State),
    reason: isRefused ? field.slice(refused.length) : "",
    claim: String(c),
    until: Number(u ?? 0),
    message: String(m ?? "")
  }
}

/** The messages of rows as one text. One update writes the same to all of them, so each row has the others' messages. */
export const packed = (rows: ReadonlyArray<Claiming>): string =>
  JSON.stringify(rows.map(({ message, recipient }) => [recipient, message]))
/** A row's own message. */
export const unpacked = ({ message, recipient }: MemoryRow): string =>
  (JSON.parse(message) as ReadonlyArray<readonly [string, string]>).find(([one]) => one === recipient)![1]

// The messages that a row has at most with those of other rows, in characters.
const maxPacked = 8_000

/** Rows that one update claims. */
export interface Move {
  /** What all of them have before. */
  readonly from: Pick<MemoryRow, "state" | "claim" | "message">
  readonly rows: Array<Claiming>
}

/** What a claim finds in rows that were read, and the changes that it needs. */
export interface Plan {
  readonly found: ReadonlyArray<Claimed>
  /** The recipients whose claim is over without a result. */
  readonly expired: ReadonlyArray<string>
  readonly moves: ReadonlyArray<Move>
}

/** Plans a claim. */
export const plan = (
  read: ReadonlyMap<string, MemoryRow>,
  asked: ReadonlyArray<Claiming>,
  claim: { readonly claim: string; readonly now: number; readonly ttl: number }
): Plan => {
  const rows = new Map([...read].map(([recipient, row]) => [recipient, { ...row }]))
  const expired: Array<string> = []
  const moves: Array<Move> = []
  const lastMoves = new Map<string, { readonly rows: Array<Claiming>; size: number }>()
  const found = asked.map((row): Claimed => {
    const before = { ...rows.get(row.recipient) } as MemoryRow
    const found = claimRow({ control: "running", rows, counts: new Map() }, row, claim)
    const after = rows.get(row.recipient)
    if (before.state === after?.state && before.claim === after?.claim) return found
    if (before.state === "sending") expired.push(row.recipient)
    if (found.found !== "claimed") return found
    const state = before.state === "new" ? "new" : "unknown"
    const key = JSON.stringify([state, before.claim, before.message])
    const size = row.recipient.length + row.message.length
    const last = lastMoves.get(key)
    if (last !== undefined && last.size + size <= maxPacked) {
      last.size += size
      last.rows.push(row)
    } else {
      const move = { from: { state, claim: before.claim, message: before.message } as const, rows: [row], size }
      lastMoves.set(key, move)
      moves.push(move)
    }
    return found
  })
  return { found, expired, moves }
}
