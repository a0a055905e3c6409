/**
 * qq-mini on Node: HTTP over undici, token stores, programs and settings from the environment, and `createQQMini` for
 * apps without Effect.
 */
import type { AccessToken } from "@qq-mini/core/AccessToken"
import * as Parts from "@qq-mini/core/adapter/Parts"
import * as Setup from "@qq-mini/core/adapter/Setup"
import { shown, systemCalls } from "@qq-mini/core/adapter/shown"
import * as App from "@qq-mini/core/App"
import * as EncryptedTokenCache from "@qq-mini/core/EncryptedTokenCache"
import * as Promised from "@qq-mini/core/Promise"
import * as PromiseTelemetry from "@qq-mini/core/PromiseTelemetry"
import type { QQError } from "@qq-mini/core/QQError"
import type { QQMini } from "@qq-mini/core/QQMini"
import * as Telemetry from "@qq-mini/core/Telemetry"
import * as TokenCache from "@qq-mini/core/TokenCache"
import * as Config from "effect/Config"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import type { PlatformError } from "effect/PlatformError"
import type * as Scope from "effect/Scope"
import * as UserDirectories from "effect/persistence/UserDirectories"
import { readFile } from "node:fs/promises"
import { join } from "node:path"
import * as NodeTransport from "./NodeTransport.ts"
import * as SharpImagePreparer from "./SharpImagePreparer.ts"
import * as SqliteTokenCache from "./SqliteTokenCache.ts"

/** The options of the client on Node: programs, settings, proxy, and parts of your own. */
export interface Options
  extends Setup.Programs, Setup.SettingsInput, Parts.Parts<string>, NodeTransport.Options, PromiseTelemetry.Options {
  /**
   * Where the token is stored, and which processes share it:
   * - `sqlite` (the default): all processes of this user on this machine, in a file of the user (in
   *   `~/.local/state/qq-mini` on Linux). If the file can't be written, `memory` is used.
   * - `sqlite:/path/to/file`: all processes on this machine that use this file.
   * - `redis://user:password@host:6379/0` (`rediss://` with TLS): all processes and machines that use this Redis or
   *   cluster. They also share QQ's quotas. Needs the package `redis`.
   * - `redis://host1:6379,host2:6379`: the same, with several nodes of a cluster.
   * - `redis+sentinel://host1:26379,host2:26379/mymaster`: the same, with the master that Sentinel names.
   * - `memory`: only this process.
   * - a store of your own: a layer of `TokenCache`, which may also provide `Quota`, or an object with the methods of
   *   `TokenCache`.
   */
  readonly store?: string | Parts.StoreOption | undefined
}

const names = {
  ...Setup.names,
  ...Parts.names,
  ...PromiseTelemetry.names,
  ...NodeTransport.names
} satisfies Record<keyof Options, ReadonlyArray<string>>

const storeSetting = "store (QQ_STORE)"

const storeNames = [
  "sqlite",
  "sqlite:/path/to/file",
  "redis://user:password@host:6379/0",
  "rediss://…",
  "redis+sentinel://host:26379/mymaster",
  "memory",
  "RedisStores.fromClient(client)"
]

/** The store of tokens that the option `store` names. `undefined` for an unknown name. */
export const storeByName = (name: unknown = ""): Layer.Layer<TokenCache.TokenCache, QQError> | undefined => {
  if (typeof name !== "string") return undefined
  if (name === "" || name === "sqlite") return layerDefault
  if (name === "memory") return TokenCache.layerMemory
  const path = /^sqlite:(?:\/\/)?(.+)$/.exec(name)?.[1]
  if (path !== undefined) return SqliteTokenCache.layer({ path, setting: storeSetting })
  // RedisStores says what is wrong with an address of another kind.
  if (!/^(?:rediss?(?:\+\w+)?|unix|https?):/i.test(name)) return undefined
  return Layer.unwrap(Effect.map(importRedisStores, ({ layer }) => layer({ url: name, setting: storeSetting })))
}

// Imported only when it is used, because the other stores do not need it.
const importRedisStores = Effect.promise(() => import("./RedisStores.ts"))

/** The path of the default store's file. */
export const defaultStorePath: Effect.Effect<string, PlatformError> = Effect.flatMap(
  UserDirectories.UserDirectories,
  (directories) => directories.state("qq-mini")
).pipe(
  Effect.provide(UserDirectories.layer),
  Effect.map((folder) => join(folder, "tokens.sqlite"))
)

// A file of the user. It is only the default, so memory is used instead if the file can't be opened.
const layerDefault: Layer.Layer<TokenCache.TokenCache> = defaultStorePath.pipe(
  Effect.map((path) => SqliteTokenCache.layer({ path, setting: storeSetting })),
  Layer.unwrap,
  Layer.catch((error) =>
    Layer.effect(
      TokenCache.TokenCache,
      Effect.andThen(Effect.logWarning(`tokens are kept in memory: ${error.message}`), TokenCache.makeMemory)
    )
  )
)

const imagePreparer = SharpImagePreparer.make()

const make = Effect.fnUntraced(function* (
  options: Options,
  apps: Effect.Effect<App.Apps["Service"], QQError, Scope.Scope>
) {
  yield* Setup.checkNames(options, names)
  yield* NodeTransport.check(options)
  yield* PromiseTelemetry.check(options)
  const client = yield* Parts.make(options, {
    settings: Setup.settings(options),
    apps: Layer.effect(App.Apps, apps),
    transport: NodeTransport.layerWith(options),
    imagePreparer,
    storeByName,
    storeNames,
    storeSetting,
    keySetting: "tokenKey (QQ_TOKEN_KEY)",
    encryption: EncryptedTokenCache
  })
  return PromiseTelemetry.isGiven(options)
    ? Layer.provideMerge(client, PromiseTelemetry.layer(options))
    : Layer.provide(client, Telemetry.layerSpans)
})

/**
 * The client and its token service, as a layer without requirements. Fails with a `QQError` for a wrong option or
 * store.
 */
export const layer = (options: Options): Layer.Layer<QQMini | AccessToken, QQError> =>
  Layer.unwrap(make(options, Setup.registry(options)))

// An empty variable counts as not set, because compose files set missing variables to "".
const text = (name: string) =>
  Effect.map(Config.option(Config.String(name)), (value) => Option.getOrElse(value, () => "") || undefined)

/**
 * The programs and options in the environment variables of {@link layerConfig}. The first program is the default. Fails if
 * there is none, or a variable is wrong.
 */
export const fromEnvironment = Effect.gen(function* (): Effect.fn.Return<
  { readonly options: Options; readonly programs: App.AppsOptions },
  QQError
> {
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
  const content =
    file === undefined
      ? undefined
      : yield* Effect.tryPromise({
          try: () => readFile(file, "utf8"),
          catch: (cause) => {
            const code = shown(cause, systemCalls)
            return App.invalidConfig("QQ_APPS_FILE", `the file can't be read (${code})`, `无法读取该文件（${code}）`)
          }
        })
  const lists = [
    ["QQ_APPS", list],
    ["QQ_APPS_FILE", content]
  ] as const
  return {
    options: { baseUrl, store, tokenKey },
    programs: yield* Setup.fromVariables({ appid, appsecret, lists })
  }
})

/**
 * The client for the programs in the environment variables, as {@link layerConfig}, with options that go before those of
 * the environment.
 */
export const layerConfigWith = (options: Options): Layer.Layer<QQMini | AccessToken, QQError> =>
  Layer.unwrap(
    Effect.flatMap(fromEnvironment, (environment) =>
      make({ ...environment.options, ...given(options) }, App.make(environment.programs))
    )
  )

/**
 * The client for the programs in the environment variables. The first program is the default.
 *
 * - `QQ_APPID`, `QQ_APPSECRET`: one program.
 * - `QQ_APPS`: programs as JSON, `[{"appid":"…","appsecret":"…"}]`; `QQ_APPS_FILE`: the path of a file with the same.
 * - `QQ_BASE_URL`: QQ's base URL.
 * - `QQ_STORE`, `QQ_TOKEN_KEY`: the store of the token, and the key that encrypts it there, as `store` and `tokenKey`
 *   of {@link Options}.
 */
export const layerConfig: Layer.Layer<QQMini | AccessToken, QQError> = Layer.suspend(() => layerConfigWith({}))

// Log to the standard error, because the standard output belongs to the app.
const layerLogger = Layer.succeed(Logger.LogToStderr, true)

/**
 * Makes the client for apps without Effect: every call returns a promise.
 *
 * If the options name no programs, they come from the environment: `QQ_APPID` and `QQ_APPSECRET`, `QQ_APPS` or
 * `QQ_APPS_FILE`, as in {@link layerConfig}. A wrong option throws a `QQError` here. A wrong environment variable or an
 * unusable store rejects the first call. Warnings are logged to the standard error.
 *
 * ```ts
 * await using qq = createQQMini({ appid, appsecret })
 * const { risky } = await qq.security.msgSecCheck({ content })
 * ```
 */
export const createQQMini = (options: Options = {}): Promised.PromiseClient => {
  const fromOptions = Effect.runSync(make(options, Setup.registry(options)))
  const { appid, apps, appsecret } = options
  if (appid === undefined && appsecret === undefined && apps === undefined) {
    // Read the environment now: the default provider of Effect reads it only once in a process.
    const environment = ConfigProvider.layer(Effect.sync(() => ConfigProvider.fromEnv()))
    return Promised.make(layerConfigWith(options).pipe(Layer.provide(environment), Layer.provideMerge(layerLogger)))
  }
  Effect.runSync(Effect.scoped(Setup.registry(options)))
  return Promised.make(Layer.provideMerge(fromOptions, layerLogger))
}

const given = (options: Options): Options =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
