/**
 * qq-mini in uniCloud's cloud functions: its layer, and `createQQMini` for functions and cloud objects.
 */
import * as App from "@qq-mini/core/App"
import type { AccessToken } from "@qq-mini/core/AccessToken"
import * as Promised from "@qq-mini/core/Promise"
import { QQError, TimedOut } from "@qq-mini/core/QQError"
import * as QQMini from "@qq-mini/core/QQMini"
import * as Quota from "@qq-mini/core/Quota"
import * as Setup from "@qq-mini/core/adapter/Setup"
import * as TokenCache from "@qq-mini/core/TokenCache"
import type { Transport } from "@qq-mini/core/Transport"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
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
export interface Options extends Omit<UniConfig.Options, "uniCloud">, Setup.SettingsInput {
  /** By default the global `uniCloud` of the cloud function. */
  readonly uniCloud?: UniCloud | undefined
  readonly store?: Store | undefined
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
  readonly timeLeft?: (() => number) | undefined
}

// for what the function does with the answer
const forTheAnswer = 300

const noTime = () =>
  App.invalidConfig(
    "timeLeft",
    "must be a function that gives the milliseconds that are left, as a number",
    "必须是返回剩余毫秒数（数字）的函数"
  )

// an instance is frozen when it has answered
const defaults = { baseUrlName: "baseUrl", deadline: 4_000, attemptTimeout: 3_000, runs: "invocation" } as const

const settings = Effect.fnUntraced(function* (
  options: Options
): Effect.fn.Return<typeof QQMini.Settings.Service, QQError> {
  const { http, timeLeft } = options
  const checked = yield* Setup.settings(options, defaults)
  if (http !== undefined && http !== "httpclient" && http !== "request") {
    return yield* App.invalidConfig("http", "must be httpclient or request", "必须是 httpclient 或 request")
  }
  if (timeLeft !== undefined && typeof timeLeft !== "function") return yield* noTime()
  return checked
})

const lacking = (what: string) =>
  App.invalidConfig(
    "uniCloud",
    `has no ${what}: is this a cloud function? Elsewhere give uniCloud among the options`,
    `没有 ${what}：当前是云函数环境吗？否则请在选项中传入 uniCloud`
  )

const layerTransport = (
  uniCloud: UniCloud,
  { http }: Options,
  left: UniCloudTransport.Left
): Layer.Layer<Transport, QQError> => {
  const { httpclient, request } = uniCloud
  if (http !== "request" && httpclient !== undefined) return UniCloudTransport.layerHttpclient(httpclient, left)
  if (http !== "httpclient" && request !== undefined)
    return UniCloudTransport.layerRequest((sent) => request.call(uniCloud, sent), left)
  return Layer.unwrap(Effect.fail(lacking(http ?? "httpclient")))
}

const isOpenBridge = (store: unknown): store is UniCloudStores.OpenBridge =>
  typeof (store as UniCloudStores.OpenBridge | undefined)?.setAccessToken === "function"

const layerStores = (
  uniCloud: UniCloud,
  { collection, dcloudAppid, store = "database" }: Options
): Layer.Layer<TokenCache.TokenCache | Quota.Quota, QQError> => {
  if (store === "memory") return Layer.merge(TokenCache.layerMemory, Quota.layerMemory)
  if (store === "redis") {
    return uniCloud.redis === undefined
      ? Layer.unwrap(Effect.fail(UniCloudStores.enableRedis("it is not there")))
      : UniCloudStores.layerRedis(() => uniCloud.redis!())
  }
  const tokens: ((database: Database) => Layer.Layer<TokenCache.TokenCache, QQError>) | undefined = isOpenBridge(store)
    ? (database) =>
        UniCloudStores.layerOpenBridge(database, store, () => UniConfig.currentApp({ uniCloud, dcloudAppid }))
    : store === "opendb-open-data"
      ? UniCloudStores.layerOpenData
      : store === "vk-global-data"
        ? UniCloudStores.layerVk
        : store === "database"
          ? (database) => UniCloudStores.layerDatabase(database, { collection })
          : undefined
  if (tokens === undefined) {
    return Layer.unwrap(
      Effect.fail(
        App.invalidConfig(
          "store",
          "must be database, opendb-open-data, vk-global-data, redis, memory, or uni-open-bridge-common itself",
          "必须是 database、opendb-open-data、vk-global-data、redis、memory，或 uni-open-bridge-common 模块本身"
        )
      )
    )
  }
  let database: Database | undefined
  try {
    database = uniCloud.database?.()
  } catch {
    // outside a service space
  }
  return database === undefined
    ? Layer.unwrap(Effect.fail(lacking("database()")))
    : Layer.merge(tokens(database), Quota.layerMemory)
}

/** The calls under way, by when each must have ended. */
const underWay = () => {
  const ends = new Set<{ readonly at: number }>()
  return {
    /** Milliseconds until the last of them must have ended. */
    left: () => (ends.size === 0 ? Infinity : Math.max(...Array.from(ends, ({ at }) => at)) - performance.now()),
    during: <A, E, R>(millis: number, call: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
      Effect.suspend(() => {
        const end = { at: performance.now() + millis }
        ends.add(end)
        return Effect.ensuring(
          call,
          Effect.sync(() => ends.delete(end))
        )
      })
  }
}

/** Milliseconds that a call may take. */
const timeOf = (timeLeft: Options["timeLeft"]): Effect.Effect<number, QQError> =>
  Effect.try({ try: () => timeLeft?.() ?? Infinity, catch: noTime }).pipe(
    Effect.flatMap((left) =>
      typeof left === "number" && !Number.isNaN(left) ? Effect.succeed(left - forTheAnswer) : Effect.fail(noTime())
    )
  )

/** Gives no call more time than the cloud function still has, and sends nothing where it has none. */
const within = (
  timeLeft: Options["timeLeft"],
  during: ReturnType<typeof underWay>["during"]
): Layer.Layer<QQMini.QQMini, never, QQMini.QQMini> =>
  Layer.effect(
    QQMini.QQMini,
    Effect.gen(function* () {
      const client = yield* QQMini.QQMini
      const settings = yield* QQMini.Settings
      return QQMini.QQMini.of({
        ...client,
        call: Effect.fnUntraced(function* (endpoint, input, options = {}) {
          const left = yield* timeOf(timeLeft)
          const asked = Duration.fromInput(options?.deadline ?? settings.deadline)
          // what is no time at all is the client's to refuse
          if (Option.isNone(asked)) return yield* client.call(endpoint, input, options)
          const deadline = Math.min(Duration.toMillis(asked.value), left)
          if (left <= 0) {
            const reason = new TimedOut({ during: "queue", limit: 0 })
            return yield* new QQError({ endpoint: endpoint.endpoint, app: undefined, reason })
          }
          return yield* during(deadline, client.call(endpoint, input, { ...options, deadline }))
        })
      })
    })
  )

/** The client in a cloud function, and the service of its tokens. `uniCloud` is looked at when the layer is built. */
export const layer = (options: Options = {}): Layer.Layer<QQMini.QQMini | AccessToken, QQError> =>
  Layer.suspend(() => {
    const uniCloud = options.uniCloud ?? (globalThis as { readonly uniCloud?: UniCloud }).uniCloud
    if (uniCloud === undefined) return Layer.unwrap(Effect.fail(lacking("httpclient")))
    const { during, left } = underWay()
    const client = QQMini.layerStores.pipe(
      Layer.provide(layerStores(uniCloud, options)),
      Layer.provide(UniConfig.layer({ ...options, uniCloud })),
      Layer.provide(layerTransport(uniCloud, options, left))
    )
    return Layer.provideMerge(within(options.timeLeft, during), client).pipe(
      Layer.provide(Layer.effect(QQMini.Settings, settings(options)))
    )
  })

/**
 * The client for cloud functions and cloud objects: every call as a promise. Make it once, outside the handler: nothing
 * happens before the first call, and nothing goes on after an answer.
 *
 * ```js
 * const qq = createQQMini({ configCenter: require("uni-config-center") })
 * exports.main = async ({ content }) => await qq.security.msgSecCheck({ content })
 * ```
 */
export const createQQMini = (options: Options = {}): Promised.Client => {
  Effect.runSync(settings(options))
  return Promised.make(layer(options))
}
