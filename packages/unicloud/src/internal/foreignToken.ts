/**
 * A program's token where other software keeps it.
 *
 * Other software writes and removes its token at any time, and takes no lock. So each change here names the writing that
 * it replaces, and does nothing if another one is there.
 */
import type { Key } from "@qq-mini/core/TokenCache"
import type { Database, Document } from "../UniCloud.ts"
import { check, get } from "./collection.ts"

/** The end of a token without an end, in epoch milliseconds. */
export const never = Number.MAX_SAFE_INTEGER

/** A token as other software keeps it. */
export interface ForeignToken {
  readonly token: string
  /** When the token ends, in epoch milliseconds; {@link never} if it has no end. */
  readonly expires: number
  /** When the token was written, in epoch milliseconds, if that is known. */
  readonly since?: number | undefined
  /** Fields of the document that identify this writing of it. */
  readonly raw: Document
}

/** The time of a change and the end of the token, in epoch milliseconds. */
export interface Times {
  readonly now: number
  readonly expires: number
}

/** The place where other software keeps its tokens. Promises reject as those of the database do. */
export interface ForeignTokens {
  readonly read: (appid: string) => Promise<ForeignToken | undefined>
  /** Writes a token if `over` is still there, or if nothing is there and `over` is `undefined`. */
  readonly write: (appid: string, over: ForeignToken | undefined, token: string, times: Times) => Promise<void>
  /** Removes `over` if it is still there. */
  readonly remove: (appid: string, over: ForeignToken) => Promise<void>
}

/** The document of other software: its `_id`, and how its token is read and written. */
export interface Format {
  readonly id: (appid: string) => string
  readonly read: (document: Document) => ForeignToken | undefined
  readonly write: (id: string, token: string, times: Times) => Document
}

/** The appid in a slot's key. Other software knows no more of the key. */
export const appidOf = (key: Key): string => key.slice(0, key.indexOf(":"))

/** The `_id` of our document beside the one of other software. */
export const besideId = (id: string): string => `${id}:qq-mini`

/** Tokens of other software in documents of a collection. */
export const inDocuments = (database: Database, collection: string, format: Format): ForeignTokens => ({
  read: async (appid) => {
    const [found] = await get(database.collection(collection), format.id(appid))
    return found === undefined ? undefined : format.read(found)
  },
  // T2: a document that is there already, or was written again, is left alone
  write: async (appid, over, token, times) => {
    const id = format.id(appid)
    const { _id, ...content } = format.write(id, token, times)
    if (over === undefined) await database.collection(collection).add({ _id, ...content })
    else
      await database
        .collection(collection)
        .where({ _id, ...over.raw })
        .updateAndReturn(content)
  },
  // T3: removed by comparison
  remove: async (appid, over) => {
    const theirs = database.collection(collection).where({ _id: format.id(appid), ...over.raw })
    check(await theirs.remove())
  }
})
