/**
 * What of `uniCloud` is used, as cloud functions have it. Nothing here touches a global: it is given to whoever needs it,
 * so that tests can give another.
 */

/** A client of urllib 2, as `uniCloud.httpclient`. */
export interface Httpclient {
  readonly request: (
    url: string,
    options: {
      readonly method: string
      readonly headers: Readonly<Record<string, string>>
      readonly content?: Buffer
      /** Milliseconds for connecting and for the answer. */
      readonly timeout: readonly [connect: number, response: number]
    }
  ) => Promise<{
    readonly status: number
    readonly headers: Readonly<Record<string, string | ReadonlyArray<string> | undefined>>
    readonly data: unknown
  }>
}

/** `uniCloud.request`, since HBuilderX 3.8.10. */
export type Request = (options: {
  readonly url: string
  readonly method: string
  readonly header: Readonly<Record<string, string>>
  readonly data?: string | ArrayBuffer
  /** Milliseconds. */
  readonly timeout: number
  readonly responseType: "buffer"
}) => Promise<{
  readonly statusCode: number
  readonly header: Readonly<Record<string, string | ReadonlyArray<string> | undefined>>
  readonly data: unknown
}>

/** A document of the database. */
export type Document = Readonly<Record<string, unknown>>

/** A collection of the cloud database, as far as it is used. */
export interface Collection {
  readonly doc: (id: string) => { readonly get: () => Promise<{ readonly data: ReadonlyArray<Document> }> }
  /** Rejects an `_id` that is there already. */
  readonly add: (document: Document) => Promise<unknown>
  readonly where: (equal: Document) => {
    /** Atomic: finds, changes and gives back one document. */
    readonly updateAndReturn: (change: Document) => Promise<{ readonly doc?: Document | null }>
    readonly remove: () => Promise<unknown>
  }
}

/** The cloud database, as `uniCloud.database()` gives it. */
export interface Database {
  readonly collection: (name: string) => Collection
}

/** A connection to Redis, as `uniCloud.redis()` gives it. */
export interface RedisClient {
  readonly eval: (script: string, numberOfKeys: number, ...keysAndArguments: Array<string | number>) => Promise<unknown>
}

/** `uniCloud`, as far as it is used. Each part is needed only by those who use it. */
export interface UniCloud {
  readonly httpclient?: Httpclient
  readonly request?: Request
  readonly database?: () => Database
  readonly redis?: () => RedisClient
  readonly getClientInfos?: () => ReadonlyArray<{ readonly appId?: string }>
  readonly $context?: { readonly APPID?: string }
}

/** `require("uni-config-center")`. */
export type ConfigCenter = (options: { readonly pluginId: string }) => {
  readonly config: () => unknown
  readonly requireFile: (name: string) => unknown
}
