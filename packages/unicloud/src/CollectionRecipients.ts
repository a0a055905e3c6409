/** The recipients of a broadcast from a collection of the cloud database, in the order of their `_id`. */
import { invalidConfig } from "@qq-mini/core/App"
import { Row } from "@qq-mini/core/Broadcast"
import { check } from "./internal/collection.ts"
import type { Document, QueryDatabase } from "./UniCloud.ts"

/** Which documents are read. */
export interface Options {
  /** Conditions on fields, as for `where`. They may contain commands of the database, but none for `_id`. */
  readonly where?: Document | undefined
  /** The fields that are read, as `{ openid: true }`. By default all. */
  readonly field?: Readonly<Record<string, true>> | undefined
}

// As many as aliyun gives at most.
const pageSize = 500

/**
 * Reads the documents of a collection that meet a condition. It reads after the last `_id`, not with `skip`, so each page
 * is found by the index and costs the same, whatever comes before it. Documents may be added and removed meanwhile. With a
 * `where`, an index on its fields and `_id` is used; without one, `_id` has its own. Every `_id` must be a text, as
 * those are that the database makes.
 */
export const read = (database: QueryDatabase, collection: string, { field, where = {} }: Options = {}) => {
  if (Object.getPrototypeOf(where) !== Object.prototype || "_id" in where) {
    throw invalidConfig(
      "where",
      "must be an object with conditions on fields, as { subscribed: true }, and without _id",
      "必须是各字段的条件，如 { subscribed: true }，且不含 _id"
    )
  }
  const page = async (after: string | undefined): Promise<ReadonlyArray<Document>> => {
    const rest = after === undefined ? where : { ...where, _id: database.command.gt(after) }
    const found = database.collection(collection).where(rest).orderBy("_id", "asc").limit(pageSize)
    return check(await (field === undefined ? found : found.field(field)).get()).data
  }
  return async function* (skip: number, after: string | undefined): AsyncGenerator<Row<Document>> {
    let line = skip
    let last = after
    for (;;) {
      const documents = await page(last)
      // A short page is not the last one: a provider may give fewer than were asked for.
      if (documents.length === 0) return
      for (const value of documents) {
        if (typeof value["_id"] !== "string") throw new TypeError("An _id is not a text.")
        last = value["_id"]
        yield new Row({ line: ++line, value, mark: last })
      }
    }
  }
}
