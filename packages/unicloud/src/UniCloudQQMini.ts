/**
 * qq-mini in uniCloud: a layer, and `createQQMini` for cloud functions and cloud objects without Effect.
 */
import type { AccessToken } from "@qq-mini/core/AccessToken"
import * as Parts from "@qq-mini/core/adapter/Parts"
import * as Setup from "@qq-mini/core/adapter/Setup"
import * as App from "@qq-mini/core/App"
import * as EncryptedTokenCache from "@qq-mini/core/EncryptedTokenCache"
import * as Promised from "@qq-mini/core/Promise"
import type { QQError } from "@qq-mini/core/QQError"
import * as QQMini from "@qq-mini/core/QQMini"
import * as TokenCache from "@qq-mini/core/TokenCache"
import type { Transport } from "@qq-mini/core/Transport"
import * as WebCrypto from "effect/crypto/WebCrypto"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { isObjectKeyword } from "effect/Predicate"
import { webcrypto } from "node:crypto"
import * as DatabaseTokenCache from "./DatabaseTokenCache.ts"
import * as TimeLeft from "./internal/timeLeft.ts"
import * as OpenBridgeTokenCache from "./OpenBridgeTokenCache.ts"
import * as OpenDataTokenCache from "./OpenDataTokenCache.ts"
import * as RedisStores from "./RedisStores.ts"
import type { Database, UniCloud } from "./UniCloud.ts"
import * as UniCloudTransport from "./UniCloudTransport.ts"
import * as UniConfig from "./UniConfig.ts"
import * as VkTokenCache from "./VkTokenCache.ts"

/**
 * The name of a store: where the token is stored, and who shares it.
 *
 * Other software may write or remove its token at any time, without a lease. All clients then use the new token, or no
 * longer use the removed one. The lease and the generation are in a second document, whose `_id` ends with `:qq-mini`.
 */
export type Store =
  /**
   * Shared by all instances, in the collection `qq-mini-tokens` of the cloud database (or `collection`). The default.
   */
  | "database"
  /** Also shared with `uni-open-bridge` and `uni-id-co`, in their collection `opendb-open-data`. */
  | "opendb-open-data"
  /**
   * Also shared with a running vk-unicloud, in its collection `vk-global-data`. A token is used at most 240 seconds.
   */
  | "vk-global-data"
  /** Shared by all instances, in the Redis of `uniCloud.redis()`. They also share QQ's quotas. */
  | "redis"
  /** Only this instance. For tests, and if there is only one instance. */
  | "memory"
  /** `require("uni-open-bridge-common")`: shared with all software that uses the bridge, in the bridge's storage. */
  | OpenBridgeTokenCache.OpenBridge

/** The options of the client in uniCloud: programs, store and settings. */
export interface Options extends Omit<UniConfig.Options, "uniCloud">, Setup.SettingsInput, Parts.Parts<Store> {
  /** The object `uniCloud`. By default the global one of the cloud function. */
  readonly uniCloud?: UniCloud | undefined
  /** The collection of the store `database`. By default `qq-mini-tokens`. */
  readonly collection?: string | undefined
  /** The HTTP client of uniCloud to use. By default `httpclient` if there is one, else `request`. */
  readonly http?: "httpclient" | "request" | undefined
  /**
   * Timeout of a whole call in milliseconds. By default 4,000, because a cloud function is stopped after 5 seconds
   * unless it is configured otherwise. Raise both together.
   */
  readonly deadline?: number | undefined
  /** Timeout of one attempt in milliseconds. By default 3,000. */
  readonly attemptTimeout?: number | undefined
  /** Returns the milliseconds that the cloud function has left, if you know them. No call takes longer. */
  readonly timeLeft?: TimeLeft.TimeLeft | undefined
}

/** The names of {@link Options}, each with the names that other clients have for it. */
export const names = {
  ...Setup.names,
  ...Parts.names,
  configCenter: [],
  dcloudAppid: [],
  uniCloud: [],
  collection: [],
  http: [],
  timeLeft: []
} satisfies Record<keyof Options, ReadonlyArray<string>>

// `invocation`, because an instance is frozen after its response.
const defaults = { baseUrlName: "baseUrl", deadline: 4_000, attemptTimeout: 3_000, runs: "invocation" } as const

const settings = Effect.fnUntraced(function* (
  options: Options
): Effect.fn.Return<typeof QQMini.Settings.Service, QQError> {
  const { http, timeLeft } = options
  const checked = yield* Setup.settings(options, defaults)
  if (http !== undefined && http !== "httpclient" && http !== "request") {
    return yield* App.invalidConfig("http", "must be httpclient or request", "必须是 httpclient 或 request")
  }
  if (timeLeft !== undefined && typeof timeLeft !== "function") return yield* TimeLeft.invalidTimeLeft()
  return checked
})

const lacking = (what: string) =>
  App.invalidConfig(
    "uniCloud",
    `has no ${what}: is this a cloud function? Elsewhere give uniCloud among the options`,
    `没有 ${what}：当前是云函数环境吗？否则请在选项中传入 uniCloud`
  )

const fail = <A>(error: QQError): Layer.Layer<A, QQError> => Layer.unwrap(Effect.fail(error))

/** Node 16 and 18 have WebCrypto only in `node:crypto`, not as a global. Calls that sign need it too. */
export const layerCrypto = WebCrypto.layer(webcrypto as Crypto)

/** The object `uniCloud` of the options, or else the global one. `undefined` outside a cloud function. */
export const uniCloudOf = ({ uniCloud = (globalThis as { readonly uniCloud?: UniCloud }).uniCloud }: Options) =>
  uniCloud

/** Makes a layer from `uniCloud`, which is read when the layer is built. */
const inUniCloud = <A>(
  options: Options,
  layer: (uniCloud: UniCloud) => Layer.Layer<A, QQError>
): Layer.Layer<A, QQError> =>
  Layer.suspend(() => {
    const uniCloud = uniCloudOf(options)
    return uniCloud === undefined ? fail(lacking("httpclient")) : layer(uniCloud)
  })

const layerTransport = (options: Options, left: UniCloudTransport.Left): Layer.Layer<Transport, QQError> =>
  inUniCloud(options, (uniCloud) => {
    const { http } = options
    const { httpclient, request } = uniCloud
    if (http !== "request" && httpclient !== undefined) return UniCloudTransport.layerHttpclient(httpclient, left)
    if (http !== "httpclient" && request !== undefined)
      return UniCloudTransport.layerRequest((sent) => request.call(uniCloud, sent), left)
    return fail(lacking(http ?? "httpclient"))
  })

const isOpenBridge = (store: unknown): store is OpenBridgeTokenCache.OpenBridge =>
  typeof (store as OpenBridgeTokenCache.OpenBridge | undefined)?.setAccessToken === "function"

const storeNames = [
  "database",
  "opendb-open-data",
  "vk-global-data",
  "redis",
  "memory",
  "require('uni-open-bridge-common')"
]

/** The stores in the Redis of `uniCloud.redis()`. */
export const layerRedis = (options: Options) =>
  inUniCloud(options, (uniCloud) =>
    uniCloud.redis === undefined
      ? fail(RedisStores.enableRedis("it is not there"))
      : RedisStores.layer(() => uniCloud.redis!())
  )

const databaseOf = (uniCloud: UniCloud): Database | undefined => {
  try {
    return uniCloud.database?.()
  } catch {
    // `uniCloud.database()` throws outside a service space.
    return undefined
  }
}

/** Makes a layer from the cloud database. */
export const inDatabase = <A>(options: Options, store: (database: Database) => Layer.Layer<A, QQError>) =>
  inUniCloud(options, (uniCloud) => {
    const database = databaseOf(uniCloud)
    return database === undefined ? fail(lacking("database()")) : store(database)
  })

const storeByName = (
  options: Options,
  name: unknown = "database"
): Layer.Layer<TokenCache.TokenCache, QQError> | undefined => {
  if (isOpenBridge(name)) {
    const appOf = (appid: string) => UniConfig.appOf({ ...options, uniCloud: uniCloudOf(options) }, appid)
    return inDatabase(options, (database) => OpenBridgeTokenCache.layer(database, name, appOf))
  }
  switch (name) {
    case "memory":
      return TokenCache.layerMemory
    case "redis":
      return layerRedis(options)
    case "database":
      return inDatabase(options, (database) => DatabaseTokenCache.layer(database, { collection: options.collection }))
    case "opendb-open-data":
      return inDatabase(options, OpenDataTokenCache.layer)
    case "vk-global-data":
      return inDatabase(options, VkTokenCache.layer)
    default:
      return undefined
  }
}

/**
 * Fails if a `tokenKey` is set for a store that other software reads, because that software can't decrypt the token.
 */
const checkKey = ({ store, tokenKey }: Options): Effect.Effect<void, QQError> =>
  tokenKey !== undefined && (store === "opendb-open-data" || store === "vk-global-data" || isOpenBridge(store))
    ? Effect.fail(
        App.invalidConfig(
          "tokenKey",
          "can't be given with this store, in which other software reads the token: use database or redis",
          "不能与该 store 一起使用：其他软件也从那里读取 access_token；请改用 database 或 redis"
        )
      )
    : Effect.void

const make = Effect.fnUntraced(function* (options: Options, wrapTransport?: Parts.Adapter["wrapTransport"]) {
  yield* Setup.checkNames(options, names)
  const { configCenter, timeLeft, transformClient, uniCloud = {} } = options
  yield* Parts.checkFunctions({ configCenter, transformClient })
  if (!isObjectKeyword(uniCloud)) {
    return yield* App.invalidConfig("uniCloud", "must be the object uniCloud", "必须是 uniCloud 对象")
  }
  yield* checkKey(options)
  yield* Effect.scoped(UniConfig.make(options))
  const checked = yield* settings(options)
  const { during, left } = TimeLeft.trackInFlight()
  const inTime = TimeLeft.within(checked.deadline, timeLeft, during)
  const client = yield* Parts.make(
    {
      ...options,
      transformClient: transformClient === undefined ? inTime : (client) => transformClient(inTime(client))
    },
    {
      settings: Effect.succeed(checked),
      apps: Layer.suspend(() => UniConfig.layer({ ...options, uniCloud: uniCloudOf(options) })),
      transport: layerTransport(options, left),
      wrapTransport,
      storeByName: (name) => storeByName(options, name),
      storeNames,
      encryption: EncryptedTokenCache
    }
  )
  return Layer.provideMerge(client, layerCrypto)
})

/**
 * The client and its token service in a cloud function. `uniCloud` is read when the layer is built. Fails with a
 * `QQError` for a wrong option, or if a part of `uniCloud` is missing.
 */
export const layer = (options: Options = {}): Layer.Layer<QQMini.QQMini | AccessToken, QQError> =>
  Layer.unwrap(make(options))

/** As {@link layer}, with a wrapped transport. For facades that need QQ's raw answers. */
export const layerAround = (
  options: Options,
  wrapTransport: (transport: Transport["Service"]) => Transport["Service"]
): Layer.Layer<QQMini.QQMini | AccessToken, QQError> => Layer.unwrap(make(options, wrapTransport))

/**
 * Makes the client for cloud functions and cloud objects: every call returns a promise. Make it once, outside the
 * handler. Nothing is sent before the first call, and nothing runs after an answer. A wrong option throws a `QQError`
 * here.
 *
 * ```js
 * const qq = createQQMini({ configCenter: require("uni-config-center") })
 * exports.main = async ({ content }) => await qq.security.msgSecCheck({ content })
 * ```
 */
export const createQQMini = (options: Options = {}): Promised.PromiseClient => {
  const client = Promised.make(Effect.runSync(make(options)))
  made.set(client, { ...options, deadline: options.deadline ?? defaults.deadline })
  return client
}

const made = new WeakMap<object, Options>()

/**
 * The options of a client of {@link createQQMini}, with its deadline, for objects that are made of one. `undefined` for
 * other objects.
 */
export const optionsOf = (client: object): Options | undefined => made.get(client)
