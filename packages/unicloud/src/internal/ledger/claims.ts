/** How rows are claimed and settled in the database, as many at once as it takes. */
import type { Claimed, Claiming, Settled, Unknown } from "@qq-mini/core/SendLedger"
import type { Document, QueryDatabase } from "../../UniCloud.ts"
import { check } from "../collection.ts"
import { collectionOf, readBroadcast, readRows, update, withRecipients } from "./collection.ts"
import { packed, plan, recipientsOf, rowId, rowOf, stateField, unpacked } from "./documents.ts"

/** Claims rows: reads them, changes those that may be claimed, and reads them again. */
export const claim = async (
  database: QueryDatabase,
  name: string,
  asked: ReadonlyArray<Claiming>,
  { claim, ttl }: { readonly claim: string; readonly ttl: number }
): Promise<ReadonlyArray<Claimed>> => {
  const now = Date.now()
  const recipients = recipientsOf(asked)
  const stopped = asked.map(() => ({ found: "stopped" }) as const)
  const before = await readRows(database, name, recipients, { m: true })
  if (before?.broadcast.control !== "running") return stopped
  const b = before.broadcast.created
  const change = (some: ReadonlyArray<string>, condition: Document, change: Document) =>
    update(database, { ...withRecipients(database, name, some), b, ...condition }, change)
  const { expired, found, moves } = plan(before.rows, asked, { claim, now, ttl })
  if (expired.length > 0) await change(expired, { s: "sending", u: database.command.lte(now) }, { s: "unknown" })
  if (moves.length === 0) return found
  for (const { from, rows } of moves) {
    const claimed = { s: "sending", c: claim, u: now + ttl, m: packed(rows) }
    await change(recipientsOf(rows), { s: from.state, c: from.claim }, claimed)
  }
  const after = await readRows(database, name, recipients)
  if (after?.broadcast.control !== "running" || after.broadcast.created !== b) {
    // It was stopped meanwhile. Who stopped it may have seen that nothing is being sent, and relies on it.
    for (const { from, rows } of moves) {
      const { claim: c, message: m, state: s } = from
      await change(recipientsOf(rows), { s: "sending", c: claim }, { s, c, m })
    }
    return stopped
  }
  return plan(after.rows, asked, { claim, now, ttl }).found.map((found, i) =>
    // Others claimed such a row between the two reads, and gave it back.
    found.found === "claimed" && after.rows.get(recipients[i]!)?.claim !== claim ? { found: "busy", wait: 0 } : found
  )
}

/** Writes the result of rows, which is the same for all. */
export const settle = async (
  database: QueryDatabase,
  name: string,
  claim: string,
  rows: ReadonlyArray<Settled>
): Promise<void> => {
  const { reason, to } = rows[0]!
  const s = to === "new" ? "sending" : database.command.in(["sending", "unknown"])
  const settleable = { ...withRecipients(database, name, recipientsOf(rows)), s, c: claim }
  const ended = to === "unknown" ? {} : { c: "", m: "" }
  await update(database, settleable, { s: stateField(to, reason), ...ended })
}

// Each row has the messages of others, too.
const maxPage = 100

/** A page of the rows that are `unknown`. */
export const unknown = async (
  database: QueryDatabase,
  name: string,
  { cursor, limit }: { readonly cursor?: string | undefined; readonly limit: number }
): Promise<{ readonly rows: ReadonlyArray<Unknown>; readonly next?: string | undefined }> => {
  const broadcast = await readBroadcast(database, name)
  if (broadcast === undefined) return { rows: [] }
  const { command } = database
  const b = broadcast.created
  await update(database, { b, s: "sending", u: command.lte(Date.now()) }, { s: "unknown" })
  const size = Math.min(limit, maxPage)
  const rest = cursor === undefined ? {} : { _id: command.gt(rowId(name, cursor)) }
  const found = collectionOf(database)
    .where({ b, s: "unknown", ...rest })
    .orderBy("_id", "asc")
  const { data } = check(await found.limit(size + 1).get())
  const rows = data.slice(0, size).map((document) => rowOf(name, document))
  return {
    rows: rows.map((row) => ({ recipient: row.recipient, claim: row.claim, message: unpacked(row) })),
    ...(data.length > size && { next: rows[rows.length - 1]!.recipient })
  }
}
