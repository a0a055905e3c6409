/** The rows of a broadcast in memory, and how they move. It shows what every store does. */
import type { Claimed, Claiming, Control, Counts, Entry, Settled, State, Unknown } from "./types.ts"

/** A row in memory. */
export interface MemoryRow {
  readonly recipient: string
  readonly line: number
  state: State
  reason: string
  claim: string
  until: number
  message: string
}

/** Rows in memory, and how many there are in each state. */
export interface MemoryRows {
  readonly rows: Map<string, MemoryRow>
  readonly counts: Map<string, number>
}

/** A broadcast in memory. */
export interface MemoryBroadcast extends MemoryRows {
  readonly created: string
  control: Control
  why: string
  loaded: number
  document: string
}

/** The key of a row in the counts. */
const countedAs = ({ reason, state }: Pick<MemoryRow, "state" | "reason">): string =>
  state === "refused" ? `refused:${reason}` : state

const move = ({ counts }: MemoryRows, row: MemoryRow, to: State, reason = ""): void => {
  const before = countedAs(row)
  counts.set(before, (counts.get(before) ?? 0) - 1)
  row.state = to
  row.reason = reason
  const after = countedAs(row)
  counts.set(after, (counts.get(after) ?? 0) + 1)
  if (to !== "sending" && to !== "unknown") row.claim = row.message = ""
}

/** B1: a claim whose time is over has no result, so the row is `unknown`, and not `new`. */
const expire = (rows: MemoryRows, row: MemoryRow, now: number): void => {
  if (row.state === "sending" && row.until <= now) move(rows, row, "unknown")
}

/** Claims one row. B1: under one claim at a time. B3: and only while the broadcast is running. */
export const claimRow = (
  broadcast: MemoryRows & Pick<MemoryBroadcast, "control">,
  { instead, message, recipient }: Claiming,
  { claim, now, ttl }: { readonly claim: string; readonly now: number; readonly ttl: number }
): Claimed => {
  const row = broadcast.rows.get(recipient)
  if (broadcast.control !== "running") return { found: "stopped" }
  if (row === undefined) return { found: "done" }
  if (row.state === "sending" && row.claim === claim) return { found: "claimed" }
  expire(broadcast, row, now)
  if (row.state === "sending") return { found: "busy", wait: row.until - now }
  if (row.state !== "new" && !(row.state === "unknown" && row.claim === instead)) return { found: "done" }
  move(broadcast, row, "sending")
  Object.assign(row, { claim, message, until: now + ttl })
  return { found: "claimed" }
}

/** The counts of a broadcast, from the number of rows for each state, with `refused:reason` for each reason. */
export const countsOf = (counted: Iterable<readonly [key: string, rows: number]>): Counts => {
  const counts = { new: 0, sending: 0, sent: 0, unknown: 0 }
  const refused: Record<string, number> = {}
  for (const [key, rows] of counted) {
    if (key.startsWith("refused:")) {
      if (rows > 0) refused[key.slice("refused:".length)] = rows
    } else counts[key as keyof typeof counts] = rows
  }
  return { ...counts, refused }
}

/** What the ledger tells of a broadcast. */
export const entryOf = ({ control, counts, created, document, loaded, why }: Omit<MemoryBroadcast, "rows">): Entry => ({
  created,
  control,
  why,
  loaded,
  document,
  counts: countsOf(counts)
})

/** Adds a row that is `new`, and returns the line of the recipient's row. */
export const addRow = (
  { counts, rows }: MemoryRows,
  { line, recipient }: { readonly line: number; readonly recipient: string }
): number => {
  const found = rows.get(recipient)
  if (found !== undefined) return found.line
  rows.set(recipient, { recipient, line, state: "new", reason: "", claim: "", until: 0, message: "" })
  counts.set("new", (counts.get("new") ?? 0) + 1)
  return line
}

/** Writes the result of a claim. */
export const settleRow = (broadcast: MemoryRows, claim: string, { reason, recipient, to }: Settled): void => {
  const row = broadcast.rows.get(recipient)
  if (row === undefined || row.claim !== claim || (row.state === "unknown" && to === "new")) return
  move(broadcast, row, to, reason)
}

/** A page of the rows that are `unknown`, in the order of their recipients. */
export const unknownRows = (
  broadcast: MemoryRows,
  { cursor, limit, now }: { readonly cursor: string; readonly limit: number; readonly now: number }
): { readonly rows: ReadonlyArray<Unknown>; readonly next?: string | undefined } => {
  for (const row of broadcast.rows.values()) expire(broadcast, row, now)
  const found = [...broadcast.rows.values()]
    .filter(({ recipient, state }) => state === "unknown" && recipient > cursor)
    .sort((a, b) => (a.recipient < b.recipient ? -1 : 1))
  const page = found.slice(0, limit)
  return {
    rows: page.map(({ claim, message, recipient }) => ({ recipient, claim, message })),
    ...(page.length < found.length && { next: page.at(-1)!.recipient })
  }
}
