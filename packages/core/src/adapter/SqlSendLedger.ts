/**
 * The ledger of broadcasts in SQLite, for any runtime that has transactions of SQLite: see `SendLedger`.
 *
 * A transaction reads the rows of an operation, lets the store in memory change them, and writes what changed. So the
 * rules exist once. What a claim needs is in a table of its own, and a row of a recipient stays small.
 */
import * as Effect from "effect/Effect"
import { addRow, claimRow, entryOf, type MemoryRow, type MemoryRows, settleRow, unknownRows } from "../ledger/memory.ts"
import type { Claimed, Control, Entry, Row, State } from "../ledger/types.ts"
import { SendLedger, type SendLedgerError } from "../SendLedger.ts"

/** Runs a statement with the values of its question marks, and returns the rows. */
export type Sql = (
  statement: string,
  ...values: ReadonlyArray<string | number | null>
) => ReadonlyArray<Readonly<Record<string, unknown>>>

/**
 * Runs a transaction, with the time on the store's clock in milliseconds. A `lasting` one is on the disk when it ends: a
 * power failure does not undo it. It may run again if it fails.
 */
export type Transact = <A>(
  operation: SendLedgerError["operation"],
  kind: "read" | "write" | "lasting",
  body: (sql: Sql, now: number) => A
) => Effect.Effect<A, SendLedgerError>

/** The tables, as statements to run once before all others. */
export const schema = `
  CREATE TABLE IF NOT EXISTS broadcast (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    -- NULL while it is being removed
    name TEXT UNIQUE,
    control TEXT NOT NULL DEFAULT 'running',
    why TEXT NOT NULL DEFAULT '',
    loaded INTEGER NOT NULL DEFAULT 0,
    document TEXT NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS broadcast_count (
    broadcast INTEGER NOT NULL,
    counted TEXT NOT NULL,
    amount INTEGER NOT NULL,
    PRIMARY KEY (broadcast, counted)
  ) STRICT, WITHOUT ROWID;
  -- With row ids: rows that were loaded together lie together, so a claim or a result of several writes few pages.
  CREATE TABLE IF NOT EXISTS broadcast_row (
    broadcast INTEGER NOT NULL,
    recipient TEXT NOT NULL,
    line INTEGER NOT NULL,
    state INTEGER NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (broadcast, recipient)
  ) STRICT;
  -- the rows that are sending or unknown
  CREATE TABLE IF NOT EXISTS broadcast_claim (
    broadcast INTEGER NOT NULL,
    recipient TEXT NOT NULL,
    claim TEXT NOT NULL,
    until INTEGER NOT NULL,
    message TEXT NOT NULL,
    PRIMARY KEY (broadcast, recipient)
  ) STRICT, WITHOUT ROWID;`

/** The states, by their numbers in the table. */
const states: ReadonlyArray<State> = ["new", "sending", "sent", "unknown", "refused"]

interface Broadcast {
  readonly id: number
  readonly control: Control
}

const find = (sql: Sql, name: string): Broadcast | undefined =>
  sql("SELECT id, control FROM broadcast WHERE name = ?", name)[0] as unknown as Broadcast | undefined

const readEntry = (sql: Sql, name: string): Entry | undefined => {
  const found = sql(
    `SELECT id, control, why, loaded, document, counted, amount
      FROM broadcast LEFT JOIN broadcast_count ON broadcast = id WHERE name = ?`,
    name
  )
  if (found.length === 0) return undefined
  const [{ control, document, id, loaded, why }] = found as unknown as readonly [Broadcast & Entry]
  const counts = new Map<string, number>()
  for (const { amount, counted } of found) if (counted !== null) counts.set(String(counted), Number(amount))
  return entryOf({ created: String(id), control, why, loaded, document, counts })
}

/** The rows of some recipients, in the order of `recipients`. */
const loadRows = (sql: Sql, { id }: Broadcast, recipients: Iterable<string>): MemoryRows => {
  const rows = new Map<string, MemoryRow>()
  for (const recipient of recipients) {
    const [found] = sql(
      `SELECT line, state, reason, claim, until, message
        FROM broadcast_row LEFT JOIN broadcast_claim USING (broadcast, recipient) WHERE broadcast = ? AND recipient = ?`,
      id,
      recipient
    )
    if (found === undefined) continue
    rows.set(recipient, {
      recipient,
      line: Number(found["line"]),
      state: states[Number(found["state"])]!,
      reason: String(found["reason"]),
      claim: String(found["claim"] ?? ""),
      until: Number(found["until"] ?? 0),
      message: String(found["message"] ?? "")
    })
  }
  return { rows, counts: new Map() }
}

const saveRow = (sql: Sql, id: number, row: MemoryRow, before: MemoryRow | undefined): void => {
  const { claim, line, message, reason, recipient, state, until } = row
  if (before === undefined || before.state !== state || before.reason !== reason) {
    sql(
      `INSERT INTO broadcast_row (broadcast, recipient, line, state, reason) VALUES (?, ?, ?, ?, ?)
        ON CONFLICT (broadcast, recipient) DO UPDATE SET state = excluded.state, reason = excluded.reason`,
      id,
      recipient,
      line,
      states.indexOf(state),
      reason
    )
  }
  if (claim === (before?.claim ?? "") && (claim === "" || until === before?.until)) return
  if (claim === "") return void sql("DELETE FROM broadcast_claim WHERE broadcast = ? AND recipient = ?", id, recipient)
  sql(
    "INSERT OR REPLACE INTO broadcast_claim (broadcast, recipient, claim, until, message) VALUES (?, ?, ?, ?, ?)",
    id,
    recipient,
    claim,
    Math.ceil(until),
    message
  )
}

/** Changes the rows of some recipients. */
const changeRows = <A>(
  sql: Sql,
  broadcast: Broadcast,
  recipients: ReadonlyArray<string>,
  change: (rows: MemoryRows & Broadcast) => A
): A => {
  const { counts, rows } = loadRows(sql, broadcast, new Set(recipients))
  const before = new Map([...rows].map(([recipient, row]) => [recipient, { ...row }]))
  const result = change({ ...broadcast, rows, counts })
  for (const [recipient, row] of rows) saveRow(sql, broadcast.id, row, before.get(recipient))
  for (const [counted, by] of counts) {
    if (by === 0) continue
    sql(
      `INSERT INTO broadcast_count (broadcast, counted, amount) VALUES (?, ?, ?)
        ON CONFLICT (broadcast, counted) DO UPDATE SET amount = amount + excluded.amount`,
      broadcast.id,
      counted,
      by
    )
  }
  return result
}

// A transaction that removes rows keeps others from writing, so it is a short one.
const rowsRemovedAtOnce = 1_000

/** Removes some rows of a broadcast without a name. Returns whether there may be more. */
const sweep = (sql: Sql): boolean => {
  const [found] = sql("SELECT id FROM broadcast WHERE name IS NULL LIMIT 1")
  if (found === undefined) return false
  const id = Number(found["id"])
  const first = `broadcast = ? AND recipient IN (
    SELECT recipient FROM broadcast_row WHERE broadcast = ? ORDER BY recipient LIMIT ${rowsRemovedAtOnce})`
  sql(`DELETE FROM broadcast_claim WHERE ${first}`, id, id)
  if (sql(`DELETE FROM broadcast_row WHERE ${first} RETURNING 1`, id, id).length > 0) return true
  sql("DELETE FROM broadcast_count WHERE broadcast = ?", id)
  sql("DELETE FROM broadcast WHERE id = ?", id)
  return true
}

/** Makes a ledger of a function that runs transactions. */
export const make = (transact: Transact): SendLedger["Service"] => {
  /** What a broadcast gives in a transaction; `none` if it does not exist. */
  const of = <A>(
    operation: SendLedgerError["operation"],
    kind: "read" | "write" | "lasting",
    name: string,
    none: A,
    get: (broadcast: Broadcast, sql: Sql, now: number) => A
  ): Effect.Effect<A, SendLedgerError> =>
    transact(operation, kind, (sql, now) => {
      const broadcast = find(sql, name)
      return broadcast === undefined ? none : get(broadcast, sql, now)
    })

  return SendLedger.of({
    create: (name, document) =>
      transact("create", "lasting", (sql) => {
        sql("INSERT INTO broadcast (name, document) VALUES (?, ?) ON CONFLICT (name) DO NOTHING", name, document)
        return readEntry(sql, name)!
      }),
    read: (name) => transact("read", "read", (sql) => readEntry(sql, name)),
    control: (name, { from, to, why }) =>
      of("control", "lasting", name, false, ({ control, id }, sql) => {
        if (!from.includes(control)) return false
        sql("UPDATE broadcast SET control = ?, why = ? WHERE id = ?", to, why, id)
        return true
      }),
    add: (name, rows) =>
      of<ReadonlyArray<number>>("add", "lasting", name, [], (broadcast, sql) =>
        changeRows(
          sql,
          broadcast,
          rows.map(({ recipient }) => recipient),
          (found) => rows.map((row) => addRow(found, row))
        )
      ),
    advance: (name, { document, from }) =>
      transact("advance", "lasting", (sql) => {
        const statement =
          "UPDATE broadcast SET loaded = loaded + 1, document = ? WHERE name = ? AND loaded = ? RETURNING 1"
        return sql(statement, document, name, from).length > 0
      }),
    rows: (name, recipients) =>
      of<ReadonlyArray<Row | undefined>>(
        "rows",
        "read",
        name,
        recipients.map(() => undefined),
        (broadcast, sql) => {
          const { rows } = loadRows(sql, broadcast, new Set(recipients))
          return recipients.map((recipient) => {
            const row = rows.get(recipient)
            return row && { line: row.line, state: row.state, reason: row.reason }
          })
        }
      ),
    claim: (name, { claim, rows, ttl }) =>
      of<ReadonlyArray<Claimed>>(
        "claim",
        // Otherwise a power failure could undo it after the message has left, and the message would be sent again.
        "lasting",
        name,
        rows.map(() => ({ found: "stopped" })),
        (broadcast, sql, now) =>
          changeRows(
            sql,
            broadcast,
            rows.map(({ recipient }) => recipient),
            (found) => rows.map((row) => claimRow(found, row, { claim, now, ttl }))
          )
      ),
    settle: (name, { claim, rows }) =>
      // A power failure may undo it: then the rows become unknown.
      of("settle", "write", name, undefined, (broadcast, sql) =>
        changeRows(
          sql,
          broadcast,
          rows.map(({ recipient }) => recipient),
          (found) => rows.forEach((row) => settleRow(found, claim, row))
        )
      ),
    unknown: (name, { cursor, limit }) =>
      of("unknown", "write", name, { rows: [] }, (broadcast, sql, now) => {
        const page = sql(
          "SELECT recipient FROM broadcast_claim WHERE broadcast = ? AND recipient > ? ORDER BY recipient LIMIT ?",
          broadcast.id,
          cursor ?? "",
          limit
        ).map(({ recipient }) => String(recipient))
        const { rows } = changeRows(sql, broadcast, page, (found) => unknownRows(found, { cursor: "", limit, now }))
        return { rows, ...(page.length === limit && { next: page.at(-1)! }) }
      }),
    list: transact("list", "read", (sql) =>
      sql("SELECT name FROM broadcast WHERE name IS NOT NULL ORDER BY id").map(({ name }) => String(name))
    ),
    remove: (name) =>
      Effect.gen(function* () {
        yield* transact("remove", "lasting", (sql) => sql("UPDATE broadcast SET name = NULL WHERE name = ?", name))
        // Also what an earlier call left when it was interrupted.
        while (yield* transact("remove", "write", sweep)) yield* Effect.yieldNow
      })
  })
}
