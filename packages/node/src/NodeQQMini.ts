/**
 * qq-mini on Node: HTTP on undici, stores for the token, programs and settings from the environment, and `createQQMini`
 * for plain apps.
 */
import type { AccessToken } from "@qq-mini/core/AccessToken"
import * as Parts from "@qq-mini/core/adapter/Parts"
import * as Setup from "@qq-mini/core/adapter/Setup"
import { shown, systemCalls } from "@qq-mini/core/adapter/shown"
import * as App from "@qq-mini/core/App"
import * as EncryptedTokenCache from "@qq-mini/core/EncryptedTokenCache"
import * as Promised from "@qq-mini/core/Promise"
import type { QQError } from "@qq-mini/core/QQError"
import type { QQMini } from "@qq-mini/core/QQMini"
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

/** One program, or several with a default, how the client works, and parts of your own. */
export interface Options extends Setup.Programs, Setup.SettingsInput, Parts.Parts<string>, NodeTransport.Options {
  /**
   * Where the token is kept, and who shares it:
   * - `sqlite`: the processes of this user on this machine, in a file of the user's (`~/.local/state/qq-mini` on Linux).
   *   The default; where that file can't be written, `memory`.
   * - `sqlite:/path/to/file`: the processes on this machine that use this file.
   * - `redis://user:password@host:6379/0` (`rediss://` with TLS): all processes and machines that use this Redis; they
   *   keep QQ's quotas together, too. Needs the package `redis`.
   * - `memory`: nobody else.
   * - a store of your own: a layer of `TokenCache` (and of `Quota`, if you like), or an object with the methods of
   *   `TokenCache`.
   */
  readonly store?: string | Parts.OwnStore | undefined
}

const storeSetting = "store (QQ_STORE)"

const storeNames = ["sqlite", "sqlite:/path/to/file", "redis://user:password@host:6379/0", "rediss://…", "memory"]

const storeByName = (name: unknown = ""): Layer.Layer<TokenCache.TokenCache, QQError> | undefined => {
  if (typeof name !== "string") return undefined
  if (name === "" || name === "sqlite") return layerDefault
  if (name === "memory") return TokenCache.layerMemory
  const path = /^sqlite:(?:\/\/)?(.+)$/.exec(name)?.[1]
  if (path !== undefined) return SqliteTokenCache.layer({ path, setting: storeSetting })
  if (!/^rediss?:/.test(name)) return undefined
  return Layer.unwrap(Effect.map(importRedisStores, ({ layer }) => layer({ url: name, setting: storeSetting })))
}

const importRedisStores = Effect.tryPromise({
  // Loaded when it is needed only: it needs a package that other stores do without.
  try: () => import("./RedisStores.ts"),
  catch: () =>
    App.invalidConfig(
      storeSetting,
      "needs the package redis: npm install redis",
      "需要安装 redis 包：npm install redis"
    )
})

// The user's own file. Nobody asked for it by name, so memory will do where it can't be had.
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

const make = (options: Options, apps: Effect.Effect<App.AppsOptions, QQError>) =>
  Effect.andThen(
    NodeTransport.check(options),
    Parts.make(options, {
      settings: Setup.settings(options),
      apps: Layer.effect(App.Apps, Effect.flatMap(apps, App.make)),
      transport: NodeTransport.layerWith(options),
      storeByName,
      storeNames,
      storeSetting,
      keySetting: "tokenKey (QQ_TOKEN_KEY)",
      encryption: EncryptedTokenCache
    })
  )

/** The client for these programs, and the service of its tokens. It needs nothing else. */
export const layer = (options: Options): Layer.Layer<QQMini | AccessToken, QQError> =>
  Layer.unwrap(make(options, Setup.programs(options)))

// An empty variable, as compose files leave it, is not set.
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

const layerEnvironment = (options: Options): Layer.Layer<QQMini | AccessToken, QQError> =>
  Layer.unwrap(
    Effect.flatMap(fromEnvironment, (environment) =>
      make({ ...environment.options, ...given(options) }, Effect.succeed(environment.programs))
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
export const layerConfig: Layer.Layer<QQMini | AccessToken, QQError> = Layer.suspend(() => layerEnvironment({}))

// The standard output belongs to the app.
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
  const { appid, apps, appsecret } = options
  const fromOptions = Effect.runSync(make(options, Setup.programs(options)))
  if (appid === undefined && appsecret === undefined && apps === undefined) {
    // Read now: the library's own provider reads the environment once in a process.
    const environment = ConfigProvider.layer(Effect.sync(() => ConfigProvider.fromEnv()))
    return Promised.make(layerEnvironment(options).pipe(Layer.provide(environment), Layer.provideMerge(layerLogger)))
  }
  Effect.runSync(Effect.flatMap(Setup.programs(options), App.make))
  return Promised.make(Layer.provideMerge(fromOptions, layerLogger))
}

const given = (options: Options): Options =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
