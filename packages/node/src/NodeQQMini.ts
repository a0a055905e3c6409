/**
 * qq-mini on Node: HTTP on undici, stores for the token, programs and settings from the environment, and `createQQMini`
 * for plain apps.
 */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as AccessToken from "@qq-mini/core/AccessToken"
import * as App from "@qq-mini/core/App"
import * as EncryptedTokenCache from "@qq-mini/core/EncryptedTokenCache"
import * as Promised from "@qq-mini/core/Promise"
import type { QQError } from "@qq-mini/core/QQError"
import * as QQMini from "@qq-mini/core/QQMini"
import * as Quota from "@qq-mini/core/Quota"
import * as TokenCache from "@qq-mini/core/TokenCache"
import * as Config from "effect/Config"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import * as UserDirectories from "effect/persistence/UserDirectories"
import type * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { readFile } from "node:fs/promises"
import { join } from "node:path"
import * as SqliteTokenCache from "./SqliteTokenCache.ts"

const defaults = QQMini.Settings.defaultValue()

/**
 * HTTP over undici's pool: kept alive, without redirects, and with no more connections than there are requests on the
 * wire at once. Connecting may take 3 seconds; the time of a whole attempt is the client's own to keep.
 */
export const layerHttp: Layer.Layer<HttpClient.HttpClient> = NodeHttpClient.layerUndiciOptions({
  // one more than the calls on the wire, so that the call for a token never waits behind them
  connections: defaults.maxInFlight + 1,
  pipelining: 1,
  connect: { timeout: 3_000 },
  keepAliveTimeout: 10_000
})

/** One program, or several with a default, and how the client works. */
export interface Options {
  /** The program's id, from q.qq.com. */
  readonly appid?: App.AppId | undefined
  /** The program's AppSecret, from q.qq.com. */
  readonly appsecret?: string | Redacted.Redacted<string> | undefined
  /** Further programs of the same backend. */
  readonly apps?: ReadonlyArray<App.AppCredentialsInput> | undefined
  /** Where QQ is. By default `https://api.q.qq.com`; a sandbox has its own address. */
  readonly baseUrl?: string | undefined
  /** Milliseconds for a whole call. By default 15,000. */
  readonly deadline?: number | undefined
  /** Milliseconds for one attempt. By default 5,000. */
  readonly attemptTimeout?: number | undefined
  /** Attempts in all of what may be repeated. By default 3. */
  readonly attempts?: number | undefined
  /**
   * Where the token is kept, and who shares it:
   * - `sqlite`: the processes of this user on this machine, in a file of the user's (`~/.local/state/qq-mini` on Linux).
   *   The default; where that file can't be written, `memory`.
   * - `sqlite:/path/to/file`: the processes on this machine that use this file.
   * - `redis://user:password@host:6379/0` (`rediss://` with TLS): all processes and machines that use this Redis; they
   *   keep QQ's quotas together, too. Needs the package `redis`.
   * - `memory`: nobody else.
   */
  readonly store?: string | undefined
  /** Encrypts the token in the store: 32 bytes, as they are, in base64 or in hexadecimal digits. */
  readonly tokenKey?: EncryptedTokenCache.EncryptionKey | undefined
  /** Is told what happens to the tokens, for logs and metrics. */
  readonly onTokenEvent?: ((event: AccessToken.TokenEvent) => void) | undefined
}

type Store =
  | { readonly kind: "memory" | "default" }
  | { readonly kind: "sqlite"; readonly path: string }
  | { readonly kind: "redis"; readonly url: string }

const storeOf = ({ store = "" }: Options): Effect.Effect<Store, QQError> => {
  if (store === "" || store === "sqlite") return Effect.succeed({ kind: "default" })
  if (store === "memory") return Effect.succeed({ kind: "memory" })
  const path = /^sqlite:(?:\/\/)?(.+)$/.exec(store)?.[1]
  if (path !== undefined) return Effect.succeed({ kind: "sqlite", path })
  if (/^rediss?:/.test(store)) return Effect.succeed({ kind: "redis", url: store })
  return Effect.fail(
    App.invalidConfig(
      storeSetting,
      "must be sqlite, sqlite:/path/to/file, redis://user:password@host:6379/0, rediss://… or memory",
      "必须是 sqlite、sqlite:/文件路径、redis://user:password@host:6379/0、rediss://… 或 memory"
    )
  )
}

const storeSetting = "store (QQ_STORE)"
const keySetting = "tokenKey (QQ_TOKEN_KEY)"

const importRedisStores = Effect.tryPromise({
  // loaded when it is needed only: it needs a package that others can do without
  try: () => import("./RedisStores.ts"),
  catch: () =>
    App.invalidConfig(
      storeSetting,
      "needs the package redis: npm install redis",
      "需要安装 redis 包：npm install redis"
    )
})

// The user's own file; where there is none to be had, nothing was asked for that can't be given.
const layerDefault: Layer.Layer<TokenCache.TokenCache> = Effect.flatMap(
  UserDirectories.UserDirectories,
  (directories) => directories.state("qq-mini")
).pipe(
  Effect.provide(UserDirectories.layer),
  Effect.map((folder) => SqliteTokenCache.layer({ path: join(folder, "tokens.sqlite"), setting: storeSetting })),
  Layer.unwrap,
  Layer.catch((error) =>
    Layer.effect(
      TokenCache.TokenCache,
      Effect.andThen(Effect.logWarning(`tokens are kept in memory: ${error.message}`), TokenCache.makeMemory)
    )
  )
)

const layerStores = (options: Options): Layer.Layer<TokenCache.TokenCache | Quota.Quota, QQError> =>
  Layer.unwrap(
    Effect.gen(function* () {
      const store = yield* storeOf(options)
      const stores = yield* Effect.gen(function* (): Effect.fn.Return<
        Layer.Layer<TokenCache.TokenCache | Quota.Quota, QQError>,
        QQError
      > {
        switch (store.kind) {
          case "redis": {
            const RedisStores = yield* importRedisStores
            return RedisStores.layer({ url: store.url, setting: storeSetting })
          }
          case "sqlite":
            return Layer.merge(SqliteTokenCache.layer({ path: store.path, setting: storeSetting }), Quota.layerMemory)
          case "memory":
            return Layer.merge(TokenCache.layerMemory, Quota.layerMemory)
          case "default":
            return Layer.merge(layerDefault, Quota.layerMemory)
        }
      })
      const { tokenKey } = options
      if (tokenKey === undefined) return stores
      yield* EncryptedTokenCache.check(tokenKey, keySetting)
      // what comes later goes before
      return Layer.merge(stores, EncryptedTokenCache.layer(stores, tokenKey, keySetting))
    })
  )

/** Tells what happens to the tokens to a function. */
const layerListener = (listen: Options["onTokenEvent"]): Layer.Layer<never, never, AccessToken.AccessToken> =>
  listen === undefined
    ? Layer.empty
    : Layer.effectDiscard(
        Effect.flatMap(AccessToken.AccessToken, ({ events }) =>
          Stream.runForEach(events, (event) => Effect.sync(() => listen(event))).pipe(
            Effect.catchDefect((defect) => Effect.logError("onTokenEvent failed", defect)),
            Effect.forever,
            Effect.forkScoped({ startImmediately: true })
          )
        )
      )

const settings = Effect.fnUntraced(function* (
  options: Options
): Effect.fn.Return<typeof QQMini.Settings.Service, QQError> {
  const { attemptTimeout, attempts, baseUrl, deadline } = options
  for (const [name, value] of Object.entries({ deadline, attemptTimeout })) {
    if (value !== undefined && !(Number.isFinite(value) && value > 0)) {
      return yield* App.invalidConfig(name, "must be a number of milliseconds above 0", "必须是大于 0 的毫秒数")
    }
  }
  if (attempts !== undefined && !(Number.isInteger(attempts) && attempts >= 1)) {
    return yield* App.invalidConfig("attempts", "must be a whole number of at least 1", "必须是不小于 1 的整数")
  }
  const url = baseUrl === undefined ? undefined : URL.parse(baseUrl)
  if (url === null || (url !== undefined && (!/^https?:$/.test(url.protocol) || /[?#]/.test(baseUrl!)))) {
    return yield* App.invalidConfig(
      "baseUrl (QQ_BASE_URL)",
      "must be an address without a query, as https://api.q.qq.com",
      "必须是不带参数的网址，如 https://api.q.qq.com"
    )
  }
  return {
    ...defaults,
    baseUrl: baseUrl ?? defaults.baseUrl,
    deadline: deadline ?? defaults.deadline,
    attemptTimeout: attemptTimeout ?? defaults.attemptTimeout,
    retry: { ...defaults.retry, attempts: attempts ?? defaults.retry.attempts }
  }
})

const programs = Effect.fnUntraced(function* (options: Options): Effect.fn.Return<App.AppsOptions, QQError> {
  const { appid, apps = [], appsecret } = options
  if (appid === undefined && appsecret !== undefined) {
    return yield* App.invalidConfig("appid", "is missing beside appsecret", "缺失：appsecret 需要与 appid 一起给出")
  }
  if (appid !== undefined && appsecret === undefined) {
    return yield* App.invalidConfig("appsecret", "is missing beside appid", "缺失：appid 需要与 appsecret 一起给出")
  }
  if (appid === undefined || appsecret === undefined) {
    if (apps.length > 0) return { apps, source: "apps" }
    return yield* App.invalidConfig(
      "appid",
      "is missing: give appid and appsecret, or apps, or set QQ_APPID and QQ_APPSECRET",
      "缺失：请给出 appid 和 appsecret，或 apps，或设置 QQ_APPID 和 QQ_APPSECRET"
    )
  }
  const main = yield* App.checkCredentials({ appid, appsecret })
  yield* App.make({ apps, source: "apps" })
  // the main program may stand in the list too
  return { apps: [main, ...apps.filter((app) => app.appid !== appid)], source: "appid / apps" }
})

const layerOf = (options: Options, apps: Effect.Effect<App.AppsOptions, QQError>) =>
  layerListener(options.onTokenEvent).pipe(
    Layer.provideMerge(QQMini.layerStores),
    Layer.provide(layerStores(options)),
    Layer.provide(Layer.effect(App.Apps, Effect.flatMap(apps, App.make))),
    Layer.provide(layerHttp),
    Layer.provide(Layer.effect(QQMini.Settings, settings(options)))
  )

/** The client for these programs, and the service of its tokens. It needs nothing else. */
export const layer = (options: Options): Layer.Layer<QQMini.QQMini | AccessToken.AccessToken, QQError> =>
  layerOf(options, programs(options))

const decodeApps = Schema.decodeUnknownEffect(
  Schema.fromJsonString(
    Schema.Array(Schema.Struct({ appid: Schema.String, appsecret: Schema.RedactedFromValue(Schema.String) }))
  )
)

const parseApps = (json: string, setting: string) =>
  // editors on Windows put a byte order mark in front
  Effect.mapError(decodeApps(json.replace(/^\uFEFF/, "")), () =>
    App.invalidConfig(
      setting,
      'must be a JSON list, as [{"appid":"1112345678","appsecret":"…"}]',
      '必须是 JSON 列表，如 [{"appid":"1112345678","appsecret":"…"}]'
    )
  ).pipe(Effect.tap((apps) => App.make({ apps, source: setting })))

// an empty variable, as compose files leave it, is not set
const text = (name: string) =>
  Effect.map(Config.option(Config.String(name)), (value) => Option.getOrElse(value, () => "") || undefined)

/** Programs and settings of the environment. */
interface Environment extends Options {
  readonly apps: ReadonlyArray<App.AppCredentialsInput>
}

const fromEnvironment: Effect.Effect<Environment, QQError> = Effect.gen(function* () {
  const { appid, appsecret, baseUrl, file, list, store, tokenKey } = yield* Effect.mapError(
    Effect.all({
      appid: text("QQ_APPID"),
      appsecret: text("QQ_APPSECRET"),
      list: text("QQ_APPS"),
      file: text("QQ_APPS_FILE"),
      baseUrl: text("QQ_BASE_URL"),
      store: text("QQ_STORE"),
      tokenKey: text("QQ_TOKEN_KEY")
    }),
    () => App.invalidConfig("QQ_*", "can't be read from the configuration", "无法从配置中读取")
  )
  if (appid !== undefined && appsecret === undefined) {
    return yield* App.invalidConfig("QQ_APPSECRET", "is missing beside QQ_APPID", "缺失：需要与 QQ_APPID 一起设置")
  }
  if (appid === undefined && appsecret !== undefined) {
    return yield* App.invalidConfig("QQ_APPID", "is missing beside QQ_APPSECRET", "缺失：需要与 QQ_APPSECRET 一起设置")
  }
  const apps: Array<App.AppCredentialsInput> = []
  if (appid !== undefined && appsecret !== undefined) {
    apps.push(yield* App.checkCredentials({ appid, appsecret }, { appid: "QQ_APPID", appsecret: "QQ_APPSECRET" }))
  }
  if (list !== undefined) apps.push(...(yield* parseApps(list, "QQ_APPS")))
  if (file !== undefined) {
    const json = yield* Effect.tryPromise({
      try: () => readFile(file, "utf8"),
      catch: (cause) => {
        const code = (cause as NodeJS.ErrnoException).code ?? "unknown"
        return App.invalidConfig("QQ_APPS_FILE", `the file can't be read (${code})`, `无法读取该文件（${code}）`)
      }
    })
    apps.push(...(yield* parseApps(json, "QQ_APPS_FILE")))
  }
  if (apps.length === 0) {
    return yield* App.invalidConfig(
      "QQ_APPID",
      "is not set: set QQ_APPID and QQ_APPSECRET, or list a program in QQ_APPS or QQ_APPS_FILE",
      "未设置：请设置 QQ_APPID 和 QQ_APPSECRET，或在 QQ_APPS、QQ_APPS_FILE 中列出小程序"
    )
  }
  // the first place in which a program stands counts
  const unique = apps.filter((app, i) => apps.findIndex((other) => other.appid === app.appid) === i)
  return { apps: unique, baseUrl, store, tokenKey }
})

const layerEnvironment = (options: Options): Layer.Layer<QQMini.QQMini | AccessToken.AccessToken, QQError> =>
  Layer.unwrap(
    Effect.map(fromEnvironment, (environment) =>
      layerOf(
        { ...environment, ...given(options) },
        Effect.succeed({ apps: environment.apps, source: "QQ_APPID / QQ_APPS / QQ_APPS_FILE" })
      )
    )
  )

/**
 * The client for the programs of the environment; the first of them is the default.
 *
 * - `QQ_APPID`, `QQ_APPSECRET`: one program.
 * - `QQ_APPS`: programs as JSON, `[{"appid":"…","appsecret":"…"}]`; `QQ_APPS_FILE`: a file with the same.
 * - `QQ_BASE_URL`: where QQ is.
 * - `QQ_STORE`, `QQ_TOKEN_KEY`: where the token is kept, and what encrypts it there; as `store` and `tokenKey` of
 *   {@link Options}.
 */
export const layerConfig: Layer.Layer<QQMini.QQMini | AccessToken.AccessToken, QQError> = Layer.suspend(() =>
  layerEnvironment({})
)

// what a plain app prints is its own
const layerLogger = Layer.succeed(Logger.LogToStderr, true)

/**
 * The client for plain apps: every call as a promise.
 *
 * Without programs in the options they come from the environment, as in {@link layerConfig}. Options that can't be right
 * throw a `QQError` here; what the environment lacks rejects the first call, and so does a store that can't be used.
 * Warnings go to the standard error.
 *
 * ```ts
 * await using qq = createQQMini({ appid, appsecret })
 * const { risky } = await qq.security.msgSecCheck({ content })
 * ```
 */
export const createQQMini = (options: Options = {}): Promised.Client => {
  const { appid, apps, appsecret, tokenKey } = options
  Effect.runSync(settings(options))
  Effect.runSync(storeOf(options))
  if (tokenKey !== undefined) Effect.runSync(EncryptedTokenCache.check(tokenKey, keySetting))
  if (appid === undefined && appsecret === undefined && apps === undefined) {
    // the environment as it is now: the library's own provider reads it once in a process
    const environment = ConfigProvider.layer(Effect.sync(() => ConfigProvider.fromEnv()))
    return Promised.make(layerEnvironment(options).pipe(Layer.provide(environment), Layer.provideMerge(layerLogger)))
  }
  Effect.runSync(Effect.flatMap(programs(options), App.make))
  return Promised.make(Layer.provideMerge(layer(options), layerLogger))
}

const given = (options: Options): Options =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
