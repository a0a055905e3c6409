/** The documents of uniCloud's database, in memory, and its operations. */
import { randomBytes } from "node:crypto"
import { isDeepStrictEqual } from "node:util"

export type Document = Readonly<Record<string, unknown>>

/** Those of `doc(id)` and of `where(…)` share a name. */
export type Operation = "get" | "set" | "update" | "updateAndReturn" | "remove" | "add" | "aggregate"

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
  readonly data?: Document | ReadonlyArray<Document>
  readonly limit?: number
  readonly orderBy?: readonly [field: string, order: "asc" | "desc"]
  readonly field?: Readonly<Record<string, true>>
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

/** What `get` gives where no limit was asked for, and what aliyun gives at most. */
const limits = { usual: 100, most: 500 }

type Test = (value: unknown) => boolean

/** The commands of `db.command` in conditions. They compare values of the same type. */
const commands: Readonly<Record<string, (other: any) => Test>> = {
  in: (others) => {
    const all = new Set(others)
    return (value) => all.has(value)
  },
  gt: (other) => (value: any) => typeof value === typeof other && value > other,
  lte: (other) => (value: any) => typeof value === typeof other && value <= other
}

/** Whether a field meets its condition, which is a value or a command. */
const testOf = (condition: unknown): Test =>
  isObject(condition) && "$command" in condition
    ? commands[String(condition["$command"])]!(condition["value"])
    : // null is as good as absent
      (value) => isDeepStrictEqual(value ?? null, condition)

/** The longest value of a field with an index. */
const maxKeyBytes = 1024

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
    const tests = conditions.map(([field, condition]) => [field, testOf(condition)] as const)
    return [...documents]
      .filter(([, document]) => tests.every(([field, test]) => test(document[field])))
      .slice(0, limit)
  }

  #run({ operation, collection, where, data, ...options }: Command): Document {
    const documents = this.#collection(collection)
    switch (operation) {
      case "get": {
        const { field, limit = limits.usual, orderBy: [by, order] = ["_id"] } = options
        const found = this.#find(documents, where).map(([, document]) => document)
        if (order !== undefined) {
          found.sort((one: any, other: any) => (one[by] < other[by] ? -1 : 1) * (order === "asc" ? 1 : -1))
        }
        const chosen = (document: Document) =>
          Object.fromEntries(Object.entries(document).filter(([name]) => name === "_id" || field?.[name]))
        const page = found.slice(0, Math.min(limit, limits.most))
        return { data: field === undefined ? page : page.map(chosen) }
      }
      case "aggregate": {
        // match, group by one field with sums, limit
        const { _id: by, ...sums } = object(data)
        const groups = new Map<unknown, Record<string, any>>()
        for (const [, document] of this.#find(documents, where)) {
          const _id = document[String(by).slice(1)] ?? null
          const group = groups.get(_id) ?? { _id, ...Object.fromEntries(Object.keys(sums).map((sum) => [sum, 0])) }
          groups.set(_id, group)
          for (const [sum, { value }] of Object.entries(sums) as Array<[string, any]>) group[sum] += value
        }
        return { data: [...groups.values()].slice(0, options.limit) }
      }
      case "add": {
        // one after the other, until one is there already
        if (Array.isArray(data)) {
          return { ids: data.map((one) => this.#run({ operation, collection, data: one })["id"]) }
        }
        const { _id: id = randomBytes(12).toString("hex"), ...rest } = object(data)
        if (typeof id !== "string") throw invalid("_id is not a string")
        if (Buffer.byteLength(id) > maxKeyBytes) throw invalid("_id is too long for an index")
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
