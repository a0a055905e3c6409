/**
 * The ledger of broadcasts in the cloud database: each recipient is sent to once by any number of instances. It needs the
 * collection `qq-mini-broadcasts` with its index.
 *
 * Each row is one document. A claim is one conditional update of all its rows, which the database does atomically for each
 * of them. The database has no clock, so claims end by the clocks of the cloud's machines. A wrong clock can make a row
 * `unknown` too early or too late. It never gives a row to a second claim.
 *
 * Operations work on up to 499 rows with a few requests, and repeat them for more.
 */
import { countsOf, type Entry, type Row, SendLedger, SendLedgerError, type Settled } from "@qq-mini/core/SendLedger"
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { randomBytes } from "node:crypto"
import { check, get, problemOf } from "./internal/collection.ts"
import { claim, settle, unknown } from "./internal/ledger/claims.ts"
import {
  broadcastOf,
  collectionName,
  collectionOf,
  insert,
  inSlices,
  readBroadcast,
  readRows,
  remove,
  rowsAtOnce,
  withIds
} from "./internal/ledger/collection.ts"
import {
  type Broadcast,
  broadcastId,
  kinds,
  marked,
  maxDocuments,
  nameOf,
  recipientsOf,
  rowId,
  stateField,
  unmarked
} from "./internal/ledger/documents.ts"
import type { Document, QueryDatabase } from "./UniCloud.ts"

const run = <A>(operation: SendLedgerError["operation"], ask: () => Promise<A>) =>
  Effect.tryPromise({
    try: ask,
    catch: (error) => new SendLedgerError({ operation, problem: problemOf(error, collectionName) })
  })

const entryOf = async (database: QueryDatabase, broadcast: Broadcast): Promise<Entry> => {
  const { control, created, document, loaded, why } = broadcast
  const states = collectionOf(database)
    .aggregate()
    .match({ b: created })
    .group({ _id: "$s", rows: database.command.aggregate.sum(1) })
    .limit(maxDocuments)
  const counts = check(await states.end()).data
  return {
    created,
    control,
    why: unmarked(why),
    loaded,
    document: unmarked(document),
    counts: countsOf(counts.map(({ _id, rows }) => [String(_id), Number(rows)]))
  }
}

/** Removes what belongs to a broadcast that nobody finds any more, and then its own document. */
const sweep = async (database: QueryDatabase, name: string, created: string): Promise<void> => {
  for (;;) {
    const found = collectionOf(database).where({ b: created }).field({ _id: true }).limit(maxDocuments)
    const ids = check(await found.get()).data.map(({ _id }) => _id)
    if (ids.length === 0) break
    // Somebody else may have removed them meanwhile, and another broadcast has them again.
    await remove(database, { ...withIds(database, ids), b: created })
  }
  await remove(database, { _id: broadcastId(name), s: kinds.removed, created })
}

const create = async (database: QueryDatabase, name: string, document: string): Promise<Entry> => {
  const broadcast = {
    _id: broadcastId(name),
    created: randomBytes(9).toString("base64"),
    control: "running" as const,
    why: marked(""),
    loaded: 0,
    document: marked(document)
  }
  const added = await insert(database, [{ ...broadcast, b: "", s: kinds.broadcast }])
  const [found] = added ? [] : await get(collectionOf(database), broadcast._id)
  const existing = broadcastOf(found)
  if (added || existing !== undefined) return entryOf(database, existing ?? broadcast)
  // Its removal was interrupted, or goes on at this moment.
  if (found !== undefined) await sweep(database, name, String(found["created"]))
  return create(database, name, document)
}

/** Changes a broadcast that meets a condition. Returns whether it did. */
const change = async (
  database: QueryDatabase,
  name: string,
  condition: Document,
  change: Document
): Promise<boolean> => {
  const found = collectionOf(database).where({ ...condition, _id: broadcastId(name), s: kinds.broadcast })
  return Boolean(check(await found.updateAndReturn(change)).doc)
}

const add = async (
  database: QueryDatabase,
  name: string,
  rows: ReadonlyArray<{ readonly recipient: string; readonly line: number }>
): Promise<ReadonlyArray<number>> => {
  const recipients = recipientsOf(rows)
  const read = await readRows(database, name, recipients)
  if (read === undefined) return []
  const { broadcast, others } = read
  if (others.length > 0) {
    // These rows are older than this broadcast, if it exists after they were read.
    const isOurs = (await readBroadcast(database, name))?.created === broadcast.created
    const ids = others.map(({ _id }) => _id)
    const b = database.command.in(others.map(({ b }) => String(b)))
    if (isOurs) await remove(database, { ...withIds(database, ids), b })
    return add(database, name, rows)
  }
  const lines = new Map([...read.rows].map(([recipient, { line }]) => [recipient, line]))
  const missing: Array<Document> = []
  for (const { line, recipient } of rows) {
    if (lines.has(recipient)) continue
    lines.set(recipient, line)
    missing.push({ _id: rowId(name, recipient), b: broadcast.created, s: stateField("new"), c: "", l: line })
  }
  const added = missing.length === 0 || (await insert(database, missing))
  return added ? recipients.map((recipient) => lines.get(recipient)!) : add(database, name, rows)
}

const list = async (database: QueryDatabase, after: Document = {}): Promise<ReadonlyArray<string>> => {
  const found = collectionOf(database).where({ b: "", s: kinds.broadcast, ...after })
  const { data } = check(await found.orderBy("_id", "asc").field({ _id: true }).limit(maxDocuments).get())
  const names = data.map(({ _id }) => nameOf(_id))
  if (data.length < maxDocuments) return names
  return [...names, ...(await list(database, { _id: database.command.gt(String(data[data.length - 1]!["_id"])) }))]
}

/** Rows with the same result together, as many at once as the database takes. */
const byResult = (rows: ReadonlyArray<Settled>): ReadonlyArray<ReadonlyArray<Settled>> => {
  const results = new Map<string, Array<Settled>>()
  for (const row of rows) {
    const result = stateField(row.to, row.reason)
    const same = results.get(result) ?? []
    results.set(result, same)
    same.push(row)
  }
  return [...results.values()].flatMap((same) => Arr.chunksOf(same, rowsAtOnce))
}

/** Makes the ledger. */
export const make = (database: QueryDatabase): SendLedger["Service"] =>
  SendLedger.of({
    create: (name, document) => run("create", () => create(database, name, document)),
    read: (name) =>
      run("read", async () => {
        const broadcast = await readBroadcast(database, name)
        return broadcast && entryOf(database, broadcast)
      }),
    control: (name, { from, to, why }) =>
      run("control", () =>
        change(database, name, { control: database.command.in(from) }, { control: to, why: marked(why) })
      ),
    add: (name, rows) => run("add", () => inSlices(rows, (some) => add(database, name, some))),
    advance: (name, { document, from }) =>
      run("advance", () => change(database, name, { loaded: from }, { loaded: from + 1, document: marked(document) })),
    rows: (name, recipients) =>
      run("rows", () =>
        inSlices(recipients, async (some): Promise<ReadonlyArray<Row | undefined>> => {
          const read = await readRows(database, name, some)
          return some.map((recipient) => {
            const row = read?.rows.get(recipient)
            return row && { line: row.line, state: row.state, reason: row.reason }
          })
        })
      ),
    claim: (name, { rows, ...options }) =>
      run("claim", () => inSlices(rows, (some) => claim(database, name, some, options))),
    settle: (name, { claim, rows }) =>
      run("settle", async () => {
        for (const same of byResult(rows)) await settle(database, name, claim, same)
      }),
    unknown: (name, options) => run("unknown", () => unknown(database, name, options)),
    list: run("list", () => list(database)),
    remove: (name) =>
      run("remove", async () => {
        const s = database.command.in([kinds.broadcast, kinds.removed])
        const found = collectionOf(database).where({ _id: broadcastId(name), s })
        const { doc } = check(await found.updateAndReturn({ s: kinds.removed }))
        if (doc) await sweep(database, name, String(doc["created"]))
      })
  })

/** The ledger over a database. */
export const layer = (database: () => QueryDatabase): Layer.Layer<SendLedger> =>
  Layer.effect(
    SendLedger,
    Effect.sync(() => make(database()))
  )
