/**
 * Reads programs and settings from options and from environment variables. All checks are here, so that every adapter
 * reports a wrong setting in the same way, with its name and how to fix it.
 */
import * as Effect from "effect/Effect"
import { identity } from "effect/Function"
import { isObject } from "effect/Predicate"
import type * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import * as App from "../App.ts"
import * as AppLookup from "../AppLookup.ts"
import { exampleOf, type Names, programNames, unknownNames } from "../internal/names.ts"
import { notAnObject } from "../internal/problem.ts"
import { checkSettings, Settings, type SettingsInput } from "../internal/settings.ts"
import type { QQError } from "../reason/error.ts"

export type {
  /** The settings of a client as options. */
  SettingsInput
} from "../internal/settings.ts"

export type {
  /** Names, each with the names that people write instead. */
  Names
} from "../internal/names.ts"

/** The options that name programs. */
export interface Programs {
  /** The program's id, from q.qq.com. */
  readonly appid?: App.AppId | undefined
  /** The program's AppSecret, from q.qq.com. */
  readonly appsecret?: string | Redacted.Redacted<string> | undefined
  /**
   * More programs of the same backend: a list, or a function that looks up the AppSecret of an appid. The function
   * returns the secret or `undefined`, directly, as a promise or as an Effect. See `AppLookup`.
   */
  readonly apps?: ReadonlyArray<App.AppCredentialsInput> | AppLookup.Lookup | undefined
  /** How long a secret that the function `apps` gave is used before it is asked again (ms). By default 300,000. */
  readonly secretTtl?: number | undefined
}

/** The names of {@link Programs} and {@link SettingsInput}, each with the names that other clients have for it. */
export const names = {
  ...programNames,
  apps: [],
  secretTtl: [],
  deadline: ["timeout"],
  attemptTimeout: ["timeout"],
  attempts: ["retries", "maxRetries"],
  baseUrl: []
} satisfies Record<keyof (Programs & SettingsInput), ReadonlyArray<string>>

/**
 * Checks that options are an object, and have no names but these. Fails with a `QQError` that names all others, and the
 * right name where one is near. `names` has the known names, each with the names that other clients have for it.
 */
export const checkNames = (options: unknown, names: Names, setting = "options"): Effect.Effect<void, QQError> => {
  if (!isObject(options)) {
    const { en, zh } = notAnObject(options, exampleOf(Object.keys(names).slice(0, 2)))
    return Effect.fail(App.invalidConfig(setting, en, zh))
  }
  const [first, ...others] = unknownNames(options, names, { en: "is not an option", zh: "不是可用的选项" })
  if (first === undefined) return Effect.void
  const en = others.map(([name, { en }]) => `; ${name}: ${en}`)
  const zh = others.map(([name, { zh }]) => `；${name}：${zh}`)
  return Effect.fail(App.invalidConfig(first[0], [first[1].en, ...en].join(""), [first[1].zh, ...zh].join("")))
}

/** Checks the settings and adds the defaults. `baseUrlName` is the name of the base URL in errors. */
export const settings = (
  { attemptTimeout, attempts, baseUrl, deadline }: SettingsInput,
  { baseUrlName = "baseUrl (QQ_BASE_URL)", ...others }: Partial<Settings> & { readonly baseUrlName?: string } = {}
): Effect.Effect<Settings, QQError> => {
  const settingOf = (field: string) => (field === "baseUrl" ? baseUrlName : field)
  return Effect.map(checkSettings({ attemptTimeout, attempts, baseUrl, deadline }, settingOf), (given) => {
    const defaults = { ...Settings.defaultValue(), ...others }
    return {
      ...defaults,
      baseUrl: given.baseUrl ?? defaults.baseUrl,
      deadline: given.deadline ?? defaults.deadline,
      attemptTimeout: given.attemptTimeout ?? defaults.attemptTimeout,
      retry: { ...defaults.retry, attempts: given.attempts ?? defaults.retry.attempts }
    }
  })
}

const missingBeside = (setting: string, other: string): Effect.Effect<never, QQError> =>
  Effect.fail(
    App.invalidConfig(setting, `is missing; it is required together with ${other}`, `缺失：须与 ${other} 一起设置`)
  )

/** The program from the settings `appid` and `appsecret`, or `undefined` if neither is set. */
const mainProgram = (
  input: { readonly appid?: unknown; readonly appsecret?: unknown },
  settingOf: (field: string) => string = identity
): Effect.Effect<App.AppCredentials | undefined, QQError> => {
  const { appid, appsecret } = input
  if (appid === undefined && appsecret === undefined) return Effect.succeed(undefined)
  if (appid === undefined) return missingBeside(settingOf("appid"), settingOf("appsecret"))
  if (appsecret === undefined) return missingBeside(settingOf("appsecret"), settingOf("appid"))
  return App.checkCredentials(input, settingOf)
}

/**
 * The listed programs in the options; the list may be empty. The first program is the default. Fails if one is invalid.
 */
export const givenPrograms = Effect.fnUntraced(function* (
  options: Programs
): Effect.fn.Return<ReadonlyArray<App.AppCredentialsInput>, QQError> {
  const { apps = [] } = options
  if (typeof apps === "function") return []
  const main = yield* mainProgram(options)
  yield* App.make({ apps, source: "apps" })
  // The main program may be in the list too.
  return main === undefined ? apps : [main, ...apps.filter(({ appid }) => appid !== main.appid)]
})

/** The registry of the function `apps` in the options, if it is one. Fails if an option beside it is invalid. */
export const lookup = (options: Programs): Effect.Effect<App.Apps["Service"] | undefined, QQError, Scope.Scope> =>
  typeof options.apps === "function" ? AppLookup.make(options.apps, options) : Effect.succeed(undefined)

/** The registry of the programs in the options. Fails if there is none or one is invalid. */
export const registry = Effect.fnUntraced(function* (
  options: Programs
): Effect.fn.Return<App.Apps["Service"], QQError, Scope.Scope> {
  const lookedUp = yield* lookup(options)
  if (lookedUp !== undefined) return lookedUp
  const apps = yield* givenPrograms(options)
  if (apps.length === 0) {
    return yield* App.invalidConfig(
      "appid",
      "is missing: give appid and appsecret, or apps, or set QQ_APPID and QQ_APPSECRET",
      "缺失：请给出 appid 和 appsecret，或 apps，或设置 QQ_APPID 和 QQ_APPSECRET"
    )
  }
  return yield* App.make({ apps, source: options.appid === undefined ? "apps" : "appid / apps" })
})

const isList = (u: unknown): u is ReadonlyArray<App.AppCredentialsInput> =>
  Array.isArray(u) && u.every((app) => typeof app?.appid === "string" && typeof app.appsecret === "string")

const parseApps = Effect.fnUntraced(function* (json: string, setting: string) {
  // Editors on Windows put a byte order mark at the beginning.
  const apps = Result.getOrUndefined(Result.try((): unknown => JSON.parse(json.replace(/^\uFEFF/, ""))))
  if (!isList(apps)) return yield* App.notAList(setting, "JSON ")
  yield* App.make({ apps, source: setting })
  return apps.map(({ appid, appsecret }) => ({ appid, appsecret: App.redact(appsecret) }))
})

/** The values of the environment variables that name programs. */
export interface Variables {
  /** The value of `QQ_APPID`. */
  readonly appid: string | undefined
  /** The value of `QQ_APPSECRET`. */
  readonly appsecret: string | undefined
  /** Lists of programs as JSON, each with the name of its variable. */
  readonly lists: ReadonlyArray<readonly [name: string, json: string | undefined]>
}

/**
 * The programs in the environment variables. The first program is the default. If an appid occurs twice, the first
 * occurrence is used. Fails if there is none or one is invalid.
 */
export const fromVariables = Effect.fnUntraced(function* ({
  lists,
  ...variables
}: Variables): Effect.fn.Return<App.AppsOptions, QQError> {
  const main = yield* mainProgram(variables, (field) => `QQ_${field.toUpperCase()}`)
  const apps: Array<App.AppCredentialsInput> = main === undefined ? [] : [main]
  for (const [name, json] of lists) {
    if (json !== undefined) apps.push(...(yield* parseApps(json, name)))
  }
  const names = lists.map(([name]) => name)
  if (apps.length === 0) {
    return yield* App.invalidConfig(
      "QQ_APPID",
      `is not set: set QQ_APPID and QQ_APPSECRET, or list a program in ${names.join(" or ")}, or pass the options appid and appsecret`,
      `未设置：请设置 QQ_APPID 和 QQ_APPSECRET，或在 ${names.join("、")} 中列出小程序，或传入选项 appid 和 appsecret`
    )
  }
  const unique = apps.filter((app, i) => apps.findIndex((other) => other.appid === app.appid) === i)
  return { apps: unique, source: ["QQ_APPID", ...names].join(" / ") }
})
