/**
 * qq-mini on Node: HTTP on undici, programs and settings from the environment, and `createQQMini` for plain apps.
 */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as App from "@qq-mini/core/App"
import * as Promised from "@qq-mini/core/Promise"
import type { QQError } from "@qq-mini/core/QQError"
import * as QQMini from "@qq-mini/core/QQMini"
import * as Config from "effect/Config"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { readFile } from "node:fs/promises"

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
}

const positive = (setting: string, value: number | undefined): Effect.Effect<void, QQError> =>
  value === undefined || (Number.isFinite(value) && value > 0)
    ? Effect.void
    : Effect.fail(App.invalidConfig(setting, "must be a number of milliseconds above 0", "必须是大于 0 的毫秒数"))

const settings = Effect.fnUntraced(function* (
  options: Options
): Effect.fn.Return<typeof QQMini.Settings.Service, QQError> {
  const { attemptTimeout, attempts, baseUrl, deadline } = options
  yield* positive("deadline", deadline)
  yield* positive("attemptTimeout", attemptTimeout)
  if (attempts !== undefined && !(Number.isInteger(attempts) && attempts >= 1)) {
    return yield* App.invalidConfig("attempts", "must be a whole number of at least 1", "必须是不小于 1 的整数")
  }
  if (baseUrl !== undefined && !/^https?:$/.test(URL.parse(baseUrl)?.protocol ?? "")) {
    return yield* App.invalidConfig(
      "baseUrl (QQ_BASE_URL)",
      "must be an address, as https://api.q.qq.com",
      "必须是网址，如 https://api.q.qq.com"
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
  if (appid === undefined && appsecret !== undefined)
    return yield* App.invalidConfig("appid", "is missing beside appsecret", "缺失：appsecret 需要与 appid 一起给出")
  if (appid !== undefined && appsecret === undefined)
    return yield* App.invalidConfig("appsecret", "is missing beside appid", "缺失：appid 需要与 appsecret 一起给出")
  if (appid === undefined && apps.length === 0) {
    return yield* App.invalidConfig(
      "appid",
      "is missing: give appid and appsecret, or apps, or set QQ_APPID and QQ_APPSECRET",
      "缺失：请给出 appid 和 appsecret，或 apps，或设置 QQ_APPID 和 QQ_APPSECRET"
    )
  }
  if (appid === undefined || appsecret === undefined) return { apps, source: "the option apps" }
  yield* App.checkCredentials(
    { appid, appsecret },
    { appid: "appid (QQ_APPID)", appsecret: "appsecret (QQ_APPSECRET)" }
  )
  return { apps: [{ appid, appsecret }, ...apps], source: "the options appid and apps" }
})

/** The client for these programs. It needs nothing else. */
export const layer = (options: Options): Layer.Layer<QQMini.QQMini, QQError> =>
  QQMini.layer.pipe(
    Layer.provide(Layer.effect(App.Apps, Effect.flatMap(programs(options), App.make))),
    Layer.provide(layerHttp),
    Layer.provide(Layer.effect(QQMini.Settings, settings(options)))
  )

const AppList = Schema.fromJsonString(
  Schema.Array(Schema.Struct({ appid: Schema.String, appsecret: Schema.RedactedFromValue(Schema.String) }))
)
const decodeApps = Schema.decodeUnknownEffect(AppList)

const parse = (json: string, setting: string) =>
  Effect.mapError(decodeApps(json), () =>
    App.invalidConfig(
      setting,
      'must be a JSON list, as [{"appid":"1112345678","appsecret":"…"}]',
      '必须是 JSON 列表，如 [{"appid":"1112345678","appsecret":"…"}]'
    )
  )

const text = (name: string) => Config.option(Config.NonEmptyString(name))

const fromEnvironment = Effect.gen(function* () {
  const [appid, appsecret, list, file, baseUrl] = yield* Effect.mapError(
    Config.all([
      text("QQ_APPID"),
      Config.option(Config.Redacted("QQ_APPSECRET")),
      Config.option(Config.Redacted("QQ_APPS")),
      text("QQ_APPS_FILE"),
      text("QQ_BASE_URL")
    ]),
    () => App.invalidConfig("QQ_APPID", "can't be read from the configuration", "无法读取")
  )
  let apps: ReadonlyArray<App.AppCredentialsInput> = []
  if (Option.isSome(list)) apps = yield* parse(Redacted.value(list.value), "QQ_APPS")
  if (Option.isSome(file)) {
    const json = yield* Effect.tryPromise({
      try: () => readFile(file.value, "utf8"),
      catch: (cause) =>
        App.invalidConfig(
          "QQ_APPS_FILE",
          `the file can't be read (${(cause as NodeJS.ErrnoException).code ?? "unknown"})`,
          `无法读取该文件（${(cause as NodeJS.ErrnoException).code ?? "unknown"}）`
        )
    })
    apps = [...apps, ...(yield* parse(json, "QQ_APPS_FILE"))]
  }
  const options: Options = {
    appid: Option.getOrUndefined(appid),
    appsecret: Option.getOrUndefined(appsecret),
    apps,
    baseUrl: Option.getOrUndefined(baseUrl)
  }
  if (Option.isSome(appid) && Option.isNone(appsecret)) {
    return yield* App.invalidConfig("QQ_APPSECRET", "is missing beside QQ_APPID", "缺失：需要与 QQ_APPID 一起设置")
  }
  if (Option.isNone(appid) && Option.isSome(appsecret)) {
    return yield* App.invalidConfig("QQ_APPID", "is missing beside QQ_APPSECRET", "缺失：需要与 QQ_APPSECRET 一起设置")
  }
  if (Option.isNone(appid) && apps.length === 0) {
    return yield* App.invalidConfig(
      "QQ_APPID",
      "is not set: set QQ_APPID and QQ_APPSECRET, or QQ_APPS, or QQ_APPS_FILE",
      "未设置：请设置 QQ_APPID 和 QQ_APPSECRET，或 QQ_APPS，或 QQ_APPS_FILE"
    )
  }
  return options
})

/**
 * The client for the programs of the environment:
 *
 * - `QQ_APPID`, `QQ_APPSECRET`: one program, which is the default.
 * - `QQ_APPS`: programs as JSON, `[{"appid":"…","appsecret":"…"}]`; `QQ_APPS_FILE`: a file with the same.
 * - `QQ_BASE_URL`: where QQ is.
 */
export const layerConfig: Layer.Layer<QQMini.QQMini, QQError> = Layer.unwrap(Effect.map(fromEnvironment, layer))

/**
 * The client for plain apps: every call as a promise.
 *
 * Without programs in the options they come from the environment, as in {@link layerConfig}. Options that can't be right
 * throw a `QQError` here; what the environment lacks rejects the first call.
 *
 * ```ts
 * await using qq = createQQMini({ appid, appsecret })
 * const { risky } = await qq.security.msgSecCheck({ content })
 * ```
 */
export const createQQMini = (options: Options = {}): Promised.Client => {
  const { appid, apps, appsecret } = options
  if (appid === undefined && appsecret === undefined && apps === undefined) {
    // the environment as it is now: the library's own provider reads it once in a process
    const environment = ConfigProvider.layer(Effect.sync(() => ConfigProvider.fromEnv()))
    return Promised.make(
      Layer.unwrap(Effect.map(fromEnvironment, (env) => layer({ ...env, ...given(options) }))).pipe(
        Layer.provide(environment)
      )
    )
  }
  Effect.runSync(Effect.andThen(settings(options), Effect.flatMap(programs(options), App.make)))
  return Promised.make(layer(options))
}

const given = (options: Options): Options =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
