/**
 * qq-mini in uniCloud's cloud functions: its layer, and `createQQMini` for functions and cloud objects.
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
import { webcrypto } from "node:crypto"
import * as TimeLeft from "./internal/timeLeft.ts"
import type { Database, UniCloud } from "./UniCloud.ts"
import * as UniCloudTransport from "./UniCloudTransport.ts"
import * as UniCloudStores from "./UniCloudStores.ts"
import * as UniConfig from "./UniConfig.ts"

/** Where the token is kept, and who shares it. */
export type Store =
  /** All instances, in the collection `qq-mini-tokens` of the cloud database (or `collection`). The default. */
  | "database"
  /** `uni-open-bridge` and `uni-id-co` too, in their collection `opendb-open-data`. */
  | "opendb-open-data"
  /** A vk-unicloud that still runs, in its collection `vk-global-data`; a token is used for 240 seconds at the most. */
  | "vk-global-data"
  /** All instances, in the Redis of `uniCloud.redis()`; they keep QQ's quotas together, too. */
  | "redis"
  /** This instance alone. For tests, and where there is one instance only. */
  | "memory"
  /** `require("uni-open-bridge-common")`: whoever uses it, in whatever it keeps tokens. */
  | UniCloudStores.OpenBridge

/** Which programs, where the token is kept, and how the client works. */
export interface Options extends Omit<UniConfig.Options, "uniCloud">, Setup.SettingsInput, Parts.Parts<Store> {
  /** By default the global `uniCloud` of the cloud function. */
  readonly uniCloud?: UniCloud | undefined
  /** The collection of the store `database`, by default `qq-mini-tokens`. */
  readonly collection?: string | undefined
  /** Which of uniCloud's two HTTP clients. By default `httpclient`, where there is one. */
  readonly http?: "httpclient" | "request" | undefined
  /**
   * Milliseconds for a whole call. By default 4,000, because a cloud function is stopped after 5 seconds unless its own
   * settings say more: raise both together.
   */
  readonly deadline?: number | undefined
  /** Milliseconds for one attempt. By default 3,000. */
  readonly attemptTimeout?: number | undefined
  /** Milliseconds that the cloud function still has, where you know: no call is given longer. */
  readonly timeLeft?: TimeLeft.TimeLeft | undefined
}

// An instance is frozen when it has answered.
const defaults = { baseUrlName: "baseUrl", deadline: 4_000, attemptTimeout: 3_000, runs: "invocation" } as const

const settings = Effect.fnUntraced(function* (
  options: Options
): Effect.fn.Return<typeof QQMini.Settings.Service, QQError> {
  const { http, timeLeft } = options
  const checked = yield* Setup.settings(options, defaults)
  if (http !== undefined && http !== "httpclient" && http !== "request") {
    return yield* App.invalidConfig("http", "must be httpclient or request", "必须是 httpclient 或 request")
  }
  if (timeLeft !== undefined && typeof timeLeft !== "function") return yield* TimeLeft.noTime()
  return checked
})

const lacking = (what: string) =>
  App.invalidConfig(
    "uniCloud",
    `has no ${what}: is this a cloud function? Elsewhere give uniCloud among the options`,
    `没有 ${what}：当前是云函数环境吗？否则请在选项中传入 uniCloud`
  )

const fail = <A>(error: QQError): Layer.Layer<A, QQError> => Layer.unwrap(Effect.fail(error))

const uniCloudOf = ({ uniCloud = (globalThis as { readonly uniCloud?: UniCloud }).uniCloud }: Options) => uniCloud

/** A layer of what is in `uniCloud`, which is looked at when the layer is built. */
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

const isOpenBridge = (store: unknown): store is UniCloudStores.OpenBridge =>
  typeof (store as UniCloudStores.OpenBridge | undefined)?.setAccessToken === "function"

const storeNames = [
  "database",
  "opendb-open-data",
  "vk-global-data",
  "redis",
  "memory",
  "require('uni-open-bridge-common')"
]

const layerRedis = (options: Options) =>
  inUniCloud(options, (uniCloud) =>
    uniCloud.redis === undefined
      ? fail(UniCloudStores.enableRedis("it is not there"))
      : UniCloudStores.layerRedis(() => uniCloud.redis!())
  )

const databaseOf = (uniCloud: UniCloud): Database | undefined => {
  try {
    return uniCloud.database?.()
  } catch {
    // outside a service space
    return undefined
  }
}

const inDatabase = (options: Options, store: (database: Database) => Layer.Layer<TokenCache.TokenCache, QQError>) =>
  inUniCloud(options, (uniCloud) => {
    const database = databaseOf(uniCloud)
    return database === undefined ? fail(lacking("database()")) : store(database)
  })

const storeByName = (
  options: Options,
  name: unknown = "database"
): Layer.Layer<TokenCache.TokenCache, QQError> | undefined => {
  if (isOpenBridge(name)) {
    const { dcloudAppid } = options
    const current = () => UniConfig.currentApp({ uniCloud: uniCloudOf(options), dcloudAppid })
    return inDatabase(options, (database) => UniCloudStores.layerOpenBridge(database, name, current))
  }
  switch (name) {
    case "memory":
      return TokenCache.layerMemory
    case "redis":
      return layerRedis(options)
    case "database":
      return inDatabase(options, (database) =>
        UniCloudStores.layerDatabase(database, { collection: options.collection })
      )
    case "opendb-open-data":
      return inDatabase(options, UniCloudStores.layerOpenData)
    case "vk-global-data":
      return inDatabase(options, UniCloudStores.layerVk)
    default:
      return undefined
  }
}

/** Fails for a key where other software reads the tokens too: it would take an encrypted one for the token itself. */
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
  const { timeLeft, transformClient } = options
  yield* Parts.checkFunctions({ transformClient })
  yield* checkKey(options)
  yield* Setup.givenPrograms(options)
  const checked = yield* settings(options)
  const { during, left } = TimeLeft.underWay()
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
  // Node 16 and 18 have it as a module only.
  return Layer.provide(client, WebCrypto.layer(webcrypto as Crypto))
})

/** The client in a cloud function, and the service of its tokens. `uniCloud` is looked at when the layer is built. */
export const layer = (options: Options = {}): Layer.Layer<QQMini.QQMini | AccessToken, QQError> =>
  Layer.unwrap(make(options))

/** The same, with each transport wrapped, for facades that need QQ's answers as they came. */
export const layerAround = (
  options: Options,
  wrapTransport: (transport: Transport["Service"]) => Transport["Service"]
): Layer.Layer<QQMini.QQMini | AccessToken, QQError> => Layer.unwrap(make(options, wrapTransport))

/**
 * The client for cloud functions and cloud objects: every call as a promise. Make it once, outside the handler: nothing
 * happens before the first call, and nothing goes on after an answer.
 *
 * ```js
 * const qq = createQQMini({ configCenter: require("uni-config-center") })
 * exports.main = async ({ content }) => await qq.security.msgSecCheck({ content })
 * ```
 */
export const createQQMini = (options: Options = {}): Promised.Client => Promised.make(Effect.runSync(make(options)))
