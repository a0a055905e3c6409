/**
 * Tokens that other software stores.
 *
 * Other software may write or remove its token at any time, without a lease. So each change here is conditional on the
 * version that was read, and does nothing if there is another version.
 */
import type { Key } from "@qq-mini/core/TokenCache"
import type { Database, Document } from "../UniCloud.ts"
import { check, get } from "./collection.ts"

/** The value of `expires` for a token that never expires, in epoch milliseconds. */
export const never = Number.MAX_SAFE_INTEGER

/** A token that other software stores. */
export interface ForeignToken {
  readonly token: string
  /** When the token expires, in epoch milliseconds, or {@link never}. */
  readonly expires: number
  /** When the token was written, in epoch milliseconds, if known. */
  readonly since?: number | undefined
  /** The fields of the document that identify this version of it. */
  readonly raw: Document
}

/** The time of a change, and the time when the token expires, in epoch milliseconds. */
export interface Times {
  readonly now: number
  readonly expires: number
}

/** Access to the tokens of other software. Promises reject with the errors of the database. */
export interface ForeignTokens {
  /** Reads the token of a program. `undefined` if there is none. */
  readonly read: (appid: string) => Promise<ForeignToken | undefined>
  /** Writes a token, if the stored version is still `over`. `undefined` means that there is none. */
  readonly write: (appid: string, over: ForeignToken | undefined, token: string, times: Times) => Promise<void>
  /** Removes the token, if the stored version is still `over`. */
  readonly remove: (appid: string, over: ForeignToken) => Promise<void>
}

/** The format of other software's documents: the `_id`, and how to read and write a token. */
export interface Format {
  readonly id: (appid: string) => string
  readonly read: (document: Document) => ForeignToken | undefined
  readonly write: (id: string, token: string, times: Times) => Document
}

/** The appid in a slot's key. Other software has no fingerprint. */
export const appidOf = (key: Key): string => key.slice(0, key.indexOf(":"))

/** The `_id` of the slot's document for a document of other software. */
export const slotId = (id: string): string => `${id}:qq-mini`

/** Makes the access to tokens of other software in documents of a collection. */
export const inDocuments = (database: Database, collection: string, format: Format): ForeignTokens => ({
  read: async (appid) => {
    const [found] = await get(database.collection(collection), format.id(appid))
    return found === undefined ? undefined : format.read(found)
  },
  // T2: a document that exists already, or has changed since it was read, is not overwritten.
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
  // T3: removed only if it has not changed since it was read.
  remove: async (appid, over) => {
    const theirs = database.collection(collection).where({ _id: format.id(appid), ...over.raw })
    check(await theirs.remove())
  }
})
