/** Access to the collection of broadcasts: what several operations of the ledger do. */
import type { MemoryRow } from "@qq-mini/core/adapter/ledgerRows"
import * as Arr from "effect/Array"
import type { Document, QueryCollection, QueryDatabase } from "../../UniCloud.ts"
import { check, get } from "../collection.ts"
import { type Broadcast, broadcastId, kinds, maxDocuments, recipientOf, rowId, rowOf } from "./documents.ts"

/** The name of the collection. */
export const collectionName = "qq-mini-broadcasts"

/** How many rows are worked on at once: as many as can be read together with their broadcast. */
export const rowsAtOnce: number = maxDocuments - 1

/** The collection of the ledger. */
export const collectionOf = (database: QueryDatabase): QueryCollection => database.collection(collectionName)

/** The condition for documents with these `_id`s. */
export const withIds = ({ command }: QueryDatabase, ids: ReadonlyArray<unknown>): Document => ({
  _id: command.in(ids.map(String))
})

/** The condition for the rows of these recipients. */
export const withRecipients = (database: QueryDatabase, name: string, recipients: ReadonlyArray<string>): Document =>
  withIds(
    database,
    recipients.map((recipient) => rowId(name, recipient))
  )

/** Changes all documents that meet a condition, each of them atomically. */
export const update = async (database: QueryDatabase, condition: Document, change: Document): Promise<void> =>
  void check(await collectionOf(database).where(condition).update(change))

/** Removes all documents that meet a condition. */
export const remove = async (database: QueryDatabase, condition: Document): Promise<void> =>
  void check(await collectionOf(database).where(condition).remove())

/** Calls a function for as many elements at once as the database takes, one call after the other. */
export const inSlices = async <A, B>(
  all: ReadonlyArray<A>,
  each: (some: ReadonlyArray<A>) => Promise<ReadonlyArray<B>>
): Promise<ReadonlyArray<B>> => {
  const results: Array<B> = []
  for (const some of Arr.chunksOf(all, rowsAtOnce)) results.push(...(await each(some)))
  return results
}

/** The broadcast in a document, if it is one, and is not being removed. */
export const broadcastOf = (document: Document | undefined): Broadcast | undefined =>
  document?.["s"] === kinds.broadcast ? (document as Broadcast & Document) : undefined

/** Reads a broadcast. */
export const readBroadcast = async (database: QueryDatabase, name: string): Promise<Broadcast | undefined> =>
  broadcastOf((await get(collectionOf(database), broadcastId(name)))[0])

/** A broadcast with some of its rows. */
export interface Read {
  readonly broadcast: Pick<Broadcast, "created" | "control">
  readonly rows: ReadonlyMap<string, MemoryRow>
  /** Documents of rows that another broadcast of this name has left behind. */
  readonly others: ReadonlyArray<Document>
}

// Of a broadcast, and of a row. Without the document and the messages, which are long.
const fields = { created: true, control: true, b: true, s: true, c: true, u: true, l: true } as const

/** Reads a broadcast with some of its rows, and further fields. */
export const readRows = async (
  database: QueryDatabase,
  name: string,
  recipients: ReadonlyArray<string>,
  further: { readonly m?: true } = {}
): Promise<Read | undefined> => {
  const id = broadcastId(name)
  const found = withIds(database, [id, ...recipients.map((recipient) => rowId(name, recipient))])
  const query = collectionOf(database)
    .where(found)
    .field({ ...fields, ...further })
  const { data } = check(await query.limit(maxDocuments).get())
  const broadcast = broadcastOf(data.find(({ _id }) => _id === id))
  if (broadcast === undefined) return undefined
  const rows = data.filter(({ _id }) => _id !== id)
  const own = rows.filter(({ b }) => b === broadcast.created)
  return {
    broadcast,
    rows: new Map(own.map((row) => [recipientOf(name, row["_id"]), rowOf(name, row)])),
    others: rows.filter(({ b }) => b !== broadcast.created)
  }
}

/** Adds documents. Those whose `_id` is there already stay as they are. Returns whether none was. */
export const insert = async (database: QueryDatabase, documents: ReadonlyArray<Document>): Promise<boolean> => {
  let missing = documents
  while (missing.length > 0) {
    try {
      check(await collectionOf(database).add(missing))
      break
    } catch (error) {
      // One that is there already ends it at any point. So does an answer that is lost.
      const condition = withIds(
        database,
        missing.map(({ _id }) => _id)
      )
      const found = collectionOf(database).where(condition).field({ _id: true }).limit(maxDocuments)
      const there = new Set(check(await found.get()).data.map(({ _id }) => _id))
      if (there.size === 0) throw error
      missing = missing.filter(({ _id }) => !there.has(_id))
    }
  }
  return missing === documents
}
