/**
 * qq-mini on Node: HTTP on undici, stores for the token, programs and settings from the environment, and `createQQMini`
 * for plain apps.
 */
import { shown, systemCalls } from "@qq-mini/core/adapter/shown"
import * as AccessToken from "@qq-mini/core/AccessToken"
import * as App from "@qq-mini/core/App"
import * as EncryptedTokenCache from "@qq-mini/core/EncryptedTokenCache"
import * as Promised from "@qq-mini/core/Promise"
import type { QQError } from "@qq-mini/core/QQError"
import * as QQMini from "@qq-mini/core/QQMini"
import * as Quota from "@qq-mini/core/Quota"
import * as Setup from "@qq-mini/core/adapter/Setup"
import * as TokenCache from "@qq-mini/core/TokenCache"
import * as Config from "effect/Config"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import * as UserDirectories from "effect/persistence/UserDirectories"
import { readFile } from "node:fs/promises"
import { join } from "node:path"
import * as NodeTransport from "./NodeTransport.ts"
import * as SqliteTokenCache from "./SqliteTokenCache.ts"

/** One program, or several with a default, and how the client works. */
export interface Options extends Setup.Programs, Setup.SettingsInput, NodeTransport.Options {
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
    : Layer.effectDiscard(Effect.flatMap(AccessToken.AccessToken, (tokens) => tokens.listen(listen)))

const layerOf = (options: Options, apps: Effect.Effect<App.AppsOptions, QQError>) =>
  layerListener(options.onTokenEvent).pipe(
    Layer.provideMerge(QQMini.layerStores),
    Layer.provide(layerStores(options)),
    Layer.provide(Layer.effect(App.Apps, Effect.flatMap(apps, App.make))),
    Layer.provide(NodeTransport.layerWith(options)),
    Layer.provide(Layer.effect(QQMini.Settings, Setup.settings(options)))
  )

/** The client for these programs, and the service of its tokens. It needs nothing else. */
export const layer = (options: Options): Layer.Layer<QQMini.QQMini | AccessToken.AccessToken, QQError> =>
  layerOf(options, Setup.programs(options))

// an empty variable, as compose files leave it, is not set
const text = (name: string) =>
  Effect.map(Config.option(Config.String(name)), (value) => Option.getOrElse(value, () => "") || undefined)

const fromEnvironment = Effect.gen(function* (): Effect.fn.Return<
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

const layerEnvironment = (options: Options): Layer.Layer<QQMini.QQMini | AccessToken.AccessToken, QQError> =>
  Layer.unwrap(
    Effect.map(fromEnvironment, (environment) =>
      layerOf({ ...environment.options, ...given(options) }, Effect.succeed(environment.programs))
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
  Effect.runSync(Setup.settings(options))
  Effect.runSync(storeOf(options))
  Effect.runSync(NodeTransport.check(options))
  if (tokenKey !== undefined) Effect.runSync(EncryptedTokenCache.check(tokenKey, keySetting))
  if (appid === undefined && appsecret === undefined && apps === undefined) {
    // the environment as it is now: the library's own provider reads it once in a process
    const environment = ConfigProvider.layer(Effect.sync(() => ConfigProvider.fromEnv()))
    return Promised.make(layerEnvironment(options).pipe(Layer.provide(environment), Layer.provideMerge(layerLogger)))
  }
  Effect.runSync(Effect.flatMap(Setup.programs(options), App.make))
  return Promised.make(Layer.provideMerge(layer(options), layerLogger))
}

const given = (options: Options): Options =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
