/**
 * Handlers of QQ's requests for cloud functions with a URL:
 *
 * ```js
 * exports.main = payNotificationHandler({ appid, appsecret, path: "/paid", onPaid: async ({ bill_no, amt }) => {} })
 * ```
 */
import { invalidConfig } from "@qq-mini/core/App"
import * as PushStore from "@qq-mini/core/PushStore"
import * as PushWeb from "@qq-mini/core/PushWeb"
import type { QQError } from "@qq-mini/core/QQError"
import * as WebCrypto from "effect/crypto/WebCrypto"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { webcrypto } from "node:crypto"
import * as DatabasePushStore from "./DatabasePushStore.ts"
import * as RedisStores from "./RedisStores.ts"
import type { UniCloud } from "./UniCloud.ts"

/** The event of a function that was called by its URL. */
export interface UrlEvent {
  readonly httpMethod?: string | undefined
  readonly path?: string | undefined
  readonly body?: unknown
  readonly isBase64Encoded?: boolean | undefined
}

/** The answer of a function that was called by its URL. */
export interface UrlAnswer {
  /** aliyun needs it to take the rest as a response. */
  readonly mpserverlessComposedResponse: true
  readonly isBase64Encoded: false
  readonly statusCode: number
  readonly headers: { readonly "content-type": string }
  readonly body: string
}

/** The handler of a cloud function. The promise is never rejected. */
export type UrlHandler = (event: UrlEvent) => Promise<UrlAnswer>

/** Where the handled messages are remembered. */
export type PushStoreName = "database" | "redis" | "memory"

/** The options that the handlers of cloud functions have in place of others. */
export interface StoreOptions {
  /**
   * Remembers the handled messages:
   * - `database` (the default): the cloud database, in the collection `qq-mini-tokens`.
   * - `redis`: `uniCloud.redis()`.
   * - `memory`: only this instance. A function has many.
   * - a store of your own, as in `@qq-mini/core/PushWeb`.
   */
  readonly store?: PushStoreName | PushWeb.StoreOption | undefined
}

/** The options of a handler of payment notifications. */
export interface PayNotificationHandlerOptions
  extends Omit<PushWeb.PayNotificationHandlerOptions, "store" | "path">, StoreOptions {
  /**
   * The whole path of the address as it is registered at QQ, as `/paid`. It is signed, and a cloud function sees only a
   * part of it.
   */
  readonly path: string
}

/** The options of a handler of pushes. */
export interface PushHandlerOptions extends Omit<PushWeb.PushHandlerOptions, "store">, StoreOptions {}

const uniCloudNow = (): UniCloud | undefined => (globalThis as { readonly uniCloud?: UniCloud }).uniCloud

const lacking = (setting: string, part: string) =>
  invalidConfig("store", `${setting} needs uniCloud.${part}()`, `${setting} 需要 uniCloud.${part}()`)

const storeByName: Readonly<Record<PushStoreName, () => Layer.Layer<PushStore.PushStore, QQError>>> = {
  memory: () => PushStore.layerMemory,
  database: () => {
    const uniCloud = uniCloudNow()
    return uniCloud?.database === undefined
      ? Layer.effect(PushStore.PushStore, Effect.fail(lacking("database", "database")))
      : DatabasePushStore.layer(() => uniCloud.database!())
  },
  redis: () => {
    const uniCloud = uniCloudNow()
    return uniCloud?.redis === undefined
      ? Layer.effect(PushStore.PushStore, Effect.fail(lacking("redis", "redis")))
      : RedisStores.layer(() => uniCloud.redis!())
  }
}

/** The options with a store for the name of one. Other values are checked with the other options. */
const withStore = <Options extends { readonly store?: unknown }>(options: Options) => {
  const { store = "database" } = options ?? {}
  const isName = typeof store === "string" && Object.keys(storeByName).includes(store)
  return (
    typeof options === "object" && options !== null
      ? { ...options, store: isName ? Layer.suspend(storeByName[store as PushStoreName]) : store }
      : options
  ) as Omit<Options, "store"> & { readonly store: PushWeb.StoreOption }
}

const handler =
  (answers: PushWeb.Answering): UrlHandler =>
  async (event) => {
    const { body: given, httpMethod = "", isBase64Encoded, path = "/" } = event ?? {}
    const body = typeof given === "string" || (typeof given === "object" && given !== null) ? given : ""
    const bytes = isBase64Encoded && typeof body === "string" ? Buffer.from(body, "base64") : body
    const { body: text, status } = await answers({ method: httpMethod, path, body: bytes })
    return {
      mpserverlessComposedResponse: true,
      isBase64Encoded: false,
      statusCode: status,
      headers: { "content-type": "application/json" },
      body: text
    }
  }

// Node 16 and 18 have WebCrypto only in `node:crypto`, not as a global.
const layerCrypto = WebCrypto.layer(webcrypto as Crypto)

/**
 * Makes a handler of payment notifications. It answers QQ, and calls `onPaid` once for each `bill_no`. Throws a
 * `QQError` for a wrong option.
 */
export const payNotificationHandler = (options: PayNotificationHandlerOptions): UrlHandler =>
  handler(PushWeb.payNotificationAnswers(withStore(options), { isPathRequired: true, crypto: layerCrypto }))

/**
 * Makes a handler of pushes. It answers QQ, and calls `onPush` once for each `MsgId`. Throws a `QQError` for a wrong
 * option. No signature of pushes is documented: do not trust one alone.
 */
export const pushHandler = (options: PushHandlerOptions): UrlHandler => handler(PushWeb.pushAnswers(withStore(options)))
