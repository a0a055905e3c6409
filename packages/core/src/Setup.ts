/**
 * What adapters make a client from: options that people write, and variables of an environment. Each is checked here, so
 * that it is refused alike everywhere, with its name and how to put it right.
 */
import * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as App from "./App.ts"
import { Settings } from "./internal/settings.ts"
import type { QQError } from "./reason/error.ts"

/** Which programs. */
export interface Programs {
  /** The program's id, from q.qq.com. */
  readonly appid?: App.AppId | undefined
  /** The program's AppSecret, from q.qq.com. */
  readonly appsecret?: string | Redacted.Redacted<string> | undefined
  /** Further programs of the same backend. */
  readonly apps?: ReadonlyArray<App.AppCredentialsInput> | undefined
}

/** How a client works. */
export interface Ways {
  /** Where QQ is. By default `https://api.q.qq.com`; a sandbox has its own address. */
  readonly baseUrl?: string | undefined
  /** Milliseconds for a whole call. By default 15,000. */
  readonly deadline?: number | undefined
  /** Milliseconds for one attempt. By default 5,000. */
  readonly attemptTimeout?: number | undefined
  /** Attempts in all of what may be repeated. By default 3. */
  readonly attempts?: number | undefined
}

/** The settings that options ask for; `baseUrlName` is what the address is called in its error. */
export const settings = Effect.fnUntraced(function* (
  options: Ways,
  { baseUrlName = "baseUrl (QQ_BASE_URL)", ...others }: Partial<Settings> & { readonly baseUrlName?: string } = {}
): Effect.fn.Return<Settings, QQError> {
  const { attemptTimeout, attempts, baseUrl, deadline } = options
  for (const [name, value] of Object.entries({ deadline, attemptTimeout })) {
    if (value !== undefined && !(Number.isFinite(value) && value > 0)) {
      return yield* App.invalidConfig(name, "must be a number of milliseconds above 0", "必须是大于 0 的毫秒数")
    }
  }
  if (attempts !== undefined && !(Number.isInteger(attempts) && attempts >= 1)) {
    return yield* App.invalidConfig("attempts", "must be a whole number of at least 1", "必须是不小于 1 的整数")
  }
  if (baseUrl !== undefined && !isAddress(baseUrl)) {
    return yield* App.invalidConfig(
      baseUrlName,
      "must be an address without a query, as https://api.q.qq.com",
      "必须是不带参数的网址，如 https://api.q.qq.com"
    )
  }
  const defaults = { ...Settings.defaultValue(), ...others }
  return {
    ...defaults,
    baseUrl: baseUrl ?? defaults.baseUrl,
    deadline: deadline ?? defaults.deadline,
    attemptTimeout: attemptTimeout ?? defaults.attemptTimeout,
    retry: { ...defaults.retry, attempts: attempts ?? defaults.retry.attempts }
  }
})

const isAddress = (text: string): boolean =>
  /^https?:\/\/[^?#\s]+$/i.test(text) && Result.isSuccess(Result.try(() => new URL(text)))

/** The programs that options name, the first one the default. Fails when there is none, or one by half. */
export const programs = Effect.fnUntraced(function* (options: Programs): Effect.fn.Return<App.AppsOptions, QQError> {
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

const isList = (u: unknown): u is ReadonlyArray<App.AppCredentialsInput> =>
  Array.isArray(u) && u.every((app) => typeof app?.appid === "string" && typeof app.appsecret === "string")

const parseApps = Effect.fnUntraced(function* (json: string, setting: string) {
  // editors on Windows put a byte order mark in front
  const apps = Result.getOrUndefined(Result.try((): unknown => JSON.parse(json.replace(/^\uFEFF/, ""))))
  if (!isList(apps)) {
    return yield* App.invalidConfig(
      setting,
      'must be a JSON list, as [{"appid":"1112345678","appsecret":"…"}]',
      '必须是 JSON 列表，如 [{"appid":"1112345678","appsecret":"…"}]'
    )
  }
  yield* App.make({ apps, source: setting })
  return apps.map(({ appid, appsecret }) => ({ appid, appsecret: App.redact(appsecret) }))
})

/** Variables of an environment that name programs: `QQ_APPID` and `QQ_APPSECRET`, and lists as JSON by their names. */
export interface Variables {
  readonly appid: string | undefined
  readonly appsecret: string | undefined
  readonly lists: ReadonlyArray<readonly [name: string, json: string | undefined]>
}

/** The programs that variables name; the first place in which a program stands counts, and the first is the default. */
export const fromVariables = Effect.fnUntraced(function* ({
  appid,
  appsecret,
  lists
}: Variables): Effect.fn.Return<App.AppsOptions, QQError> {
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
  for (const [name, json] of lists) {
    if (json !== undefined) apps.push(...(yield* parseApps(json, name)))
  }
  const names = lists.map(([name]) => name)
  if (apps.length === 0) {
    return yield* App.invalidConfig(
      "QQ_APPID",
      `is not set: set QQ_APPID and QQ_APPSECRET, or list a program in ${names.join(" or ")}`,
      `未设置：请设置 QQ_APPID 和 QQ_APPSECRET，或在 ${names.join("、")} 中列出小程序`
    )
  }
  const unique = apps.filter((app, i) => apps.findIndex((other) => other.appid === app.appid) === i)
  return { apps: unique, source: ["QQ_APPID", ...names].join(" / ") }
})
