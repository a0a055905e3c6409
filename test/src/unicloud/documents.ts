/** The documents of uniCloud's database, in memory, and its operations. */
import { randomBytes } from "node:crypto"
import { isDeepStrictEqual } from "node:util"

export type Document = Readonly<Record<string, unknown>>

/** Those of `doc(id)` and of `where(…)` share a name. */
export type Operation = "get" | "set" | "update" | "updateAndReturn" | "remove" | "add"

/** What an operation rejects with is an `Error` that has these; `code` is `errCode` and `errMsg` is `message`. */
export interface Failure {
  readonly message: string
  readonly errCode: string
}

/** An operation as a client asks for it. */
export interface Command {
  readonly operation: Operation
  readonly collection: string
  readonly where?: Document
  readonly data?: Document
}

/** What an operation gives, or its error. */
export interface Answer {
  readonly result?: unknown
  readonly error?: Failure
}

class Rejection extends Error {
  readonly errCode: string

  constructor({ message, errCode }: Failure) {
    super(message)
    this.errCode = errCode
  }
}

/** What `get` gives where no limit was asked for. */
const most = 100

const invalid = (message: string) => new Rejection({ message, errCode: "INVALID_PARAM" })

const isObject = (value: unknown): value is Document =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const copy = (document: Document): Document => JSON.parse(JSON.stringify(document))

/** The fields of the change, and of the objects in it; what else an object holds stays. */
const merge = (document: Document, change: Document): Document => {
  const merged: Record<string, unknown> = { ...document }
  for (const [field, value] of Object.entries(change)) {
    const old = merged[field]
    merged[field] = isObject(old) && isObject(value) ? merge(old, value) : value
  }
  return merged
}

const object = (value: unknown): Document => {
  if (!isObject(value)) throw invalid("not an object")
  return value
}

const withoutId = (value: unknown): Document => {
  const data = object(value)
  if ("_id" in data) throw invalid("_id cannot be changed")
  return data
}

/** The collections and their documents. */
export class Documents {
  /** What operations on a collection that was not created fail with. */
  missingCollection: Failure = { message: "not found collection", errCode: "DATABASE_COLLECTION_NOT_EXIST" }
  /** What `add` fails with where the `_id` is there already. The message goes on with the collection and the `_id`. */
  duplicateKey: Failure = { message: "E11000 duplicate key error", errCode: "DATABASE_REQUEST_FAILED" }
  readonly #collections = new Map<string, Map<string, Document>>()

  createCollection(name: string): void {
    if (!this.#collections.has(name)) this.#collections.set(name, new Map())
  }

  dropCollection(name: string): void {
    this.#collections.delete(name)
  }

  /** All documents by `_id`, as they are stored: dates are strings. */
  dump(collection: string): Record<string, any> {
    return Object.fromEntries([...this.#collection(collection)].map(([id, document]) => [id, copy(document)]))
  }

  /** Writes what other software would have written, at once and uncounted. */
  put(collection: string, document: Document & { readonly _id: string }): void {
    this.#collection(collection).set(document._id, copy(document))
  }

  /** Runs an operation from beginning to end, without another one in between. */
  answer(command: Command): Answer {
    try {
      // a copy: by the time it is sent, others have written
      return { result: copy(this.#run(command)) }
    } catch (error) {
      if (error instanceof Rejection) return { error: { message: error.message, errCode: error.errCode } }
      return { error: { message: String(error), errCode: "SYSTEM_ERROR" } }
    }
  }

  #collection(name: string): Map<string, Document> {
    const documents = this.#collections.get(name)
    if (documents === undefined) throw new Rejection(this.missingCollection)
    return documents
  }

  #find(
    documents: Map<string, Document>,
    where: unknown,
    limit = Infinity
  ): Array<readonly [id: string, document: Document]> {
    const conditions = Object.entries(object(where))
    for (const [field] of conditions) {
      if (/[$.]/.test(field)) throw invalid(`only equality of top-level fields is supported: ${field}`)
    }
    return [...documents]
      .filter(([, document]) =>
        // null is as good as absent
        conditions.every(([field, value]) => isDeepStrictEqual(document[field] ?? null, value))
      )
      .slice(0, limit)
  }

  #run({ operation, collection, where, data }: Command): Document {
    const documents = this.#collection(collection)
    switch (operation) {
      case "get":
        return { data: this.#find(documents, where, most).map(([, document]) => document) }
      case "add": {
        const { _id: id = randomBytes(12).toString("hex"), ...rest } = object(data)
        if (typeof id !== "string") throw invalid("_id is not a string")
        if (documents.has(id)) {
          const { message, errCode } = this.duplicateKey
          const key = `{ _id: ${JSON.stringify(id)} }`
          throw new Rejection({ message: `${message} collection: ${collection} index: _id_ dup key: ${key}`, errCode })
        }
        documents.set(id, { _id: id, ...rest })
        return { id }
      }
      case "set": {
        const id = object(where)["_id"]
        if (typeof id !== "string") throw invalid("_id is not a string")
        const there = documents.has(id)
        documents.set(id, { _id: id, ...withoutId(data) })
        return there ? { updated: 1 } : { updated: 0, upsertedId: id }
      }
      case "update": {
        const change = withoutId(data)
        let updated = 0
        for (const [id, document] of this.#find(documents, where)) {
          const changed = merge(document, change)
          if (!isDeepStrictEqual(changed, document)) updated++
          documents.set(id, changed)
        }
        return { updated }
      }
      case "updateAndReturn": {
        const change = withoutId(data)
        const [first] = this.#find(documents, where, 1)
        if (first === undefined) return { updated: 0, doc: null }
        const doc = merge(first[1], change)
        documents.set(first[0], doc)
        return { updated: 1, doc }
      }
      case "remove": {
        const found = this.#find(documents, where)
        for (const [id] of found) documents.delete(id)
        return { deleted: found.length }
      }
      default:
        throw invalid(`no such operation: ${String(operation)}`)
    }
  }
}
