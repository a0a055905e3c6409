/**
 * The types of the parts of `uniCloud` that this package uses. They are passed as parameters, so that tests can replace
 * them.
 */
import type { Agent } from "node:http"
import type { Agent as HttpsAgent } from "node:https"

/** The HTTP client `uniCloud.httpclient`, which is urllib 2. */
export interface Httpclient {
  readonly request: (
    url: string,
    options: {
      readonly method: string
      readonly headers?: Readonly<Record<string, string>>
      readonly content?: string | Buffer
      /** The agents to use. By default the client's own. */
      readonly agent?: Agent
      readonly httpsAgent?: HttpsAgent
      /** Milliseconds for connecting and for the answer. */
      readonly timeout: readonly [connect: number, response: number]
    }
  ) => Promise<{
    readonly status: number
    readonly headers: Readonly<Record<string, string | ReadonlyArray<string> | undefined>>
    readonly data: unknown
  }>
}

/** The function `uniCloud.request`, available since HBuilderX 3.8.10. */
export type Request = (options: {
  readonly url: string
  readonly method: string
  readonly header: Readonly<Record<string, string>>
  readonly data?: string | ArrayBuffer
  /** Timeout in milliseconds. */
  readonly timeout: number
  readonly responseType: "buffer"
}) => Promise<{
  readonly statusCode: number
  readonly header: Readonly<Record<string, string | ReadonlyArray<string> | undefined>>
  readonly data: unknown
}>

/** A document of the database. */
export type Document = Readonly<Record<string, unknown>>

/** The part of a collection of the cloud database that the stores use. */
export interface Collection {
  readonly doc: (id: string) => { readonly get: () => Promise<{ readonly data: ReadonlyArray<Document> }> }
  /** Adds a document. Rejects if its `_id` exists. */
  readonly add: (document: Document) => Promise<unknown>
  readonly where: (equal: Document) => {
    /** Atomically finds, changes and returns one document. */
    readonly updateAndReturn: (change: Document) => Promise<{ readonly doc?: Document | null }>
    readonly remove: () => Promise<unknown>
  }
}

/** The cloud database that `uniCloud.database()` returns. */
export interface Database {
  readonly collection: (name: string) => Collection
}

/** Documents that match a condition, for reading. */
interface Matching {
  readonly orderBy: (field: string, order: "asc" | "desc") => Matching
  readonly limit: (documents: number) => Matching
  readonly field: (fields: Readonly<Record<string, true>>) => Matching
  readonly get: () => Promise<{ readonly data: ReadonlyArray<Document> }>
}

/** The part of a collection that works on many documents at once. A condition may contain commands of the database. */
export interface QueryCollection extends Collection {
  readonly add: (documents: Document | ReadonlyArray<Document>) => Promise<unknown>
  readonly where: (condition: Document) => ReturnType<Collection["where"]> &
    Matching & {
      /** Changes all matching documents, each of them atomically. */
      readonly update: (change: Document) => Promise<unknown>
    }
  readonly aggregate: () => {
    readonly match: (condition: Document) => {
      readonly group: (fields: Document) => {
        readonly limit: (groups: number) => {
          readonly end: () => Promise<{ readonly data: ReadonlyArray<Document> }>
        }
      }
    }
  }
}

/** The cloud database that `uniCloud.database()` returns, with what is needed for many documents at once. */
export interface QueryDatabase extends Database {
  readonly command: {
    readonly in: (values: ReadonlyArray<string>) => unknown
    readonly gt: (value: string) => unknown
    readonly lte: (value: number) => unknown
    readonly aggregate: { readonly sum: (value: number) => unknown }
  }
  readonly collection: (name: string) => QueryCollection
}

/** The Redis client that `uniCloud.redis()` returns. */
export interface RedisClient {
  readonly eval: (script: string, numberOfKeys: number, ...keysAndArguments: Array<string | number>) => Promise<unknown>
}

/** The parts of `uniCloud` that this package uses. Each part is needed only by the features that use it. */
export interface UniCloud {
  readonly httpclient?: Httpclient
  readonly request?: Request
  readonly database?: () => Database
  readonly redis?: () => RedisClient
  readonly downloadFile?: (options: { readonly fileID: string }) => Promise<{ readonly fileContent: unknown }>
  readonly getClientInfos?: () => ReadonlyArray<{ readonly appId?: string; readonly requestId?: string }>
  readonly $context?: { readonly APPID?: string }
}

/** The function that `require("uni-config-center")` returns. */
export type ConfigCenter = (options: { readonly pluginId: string }) => {
  readonly config: () => unknown
  readonly requireFile: (name: string) => unknown
}
