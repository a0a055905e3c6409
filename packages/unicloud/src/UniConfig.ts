/**
 * Programs from `uni-config-center`, where uniCloud projects configure them:
 *
 * - `uni-id/config.json`: `"mp-qq": { "oauth": { "qq": { "appid", "appsecret" } } }`, in an object, or in an array with
 *   one entry for each app. Of an array, the entry with the current `dcloudAppid` is used, or else the one with
 *   `isDefaultConfig`. A call that names an appid uses the entry of that program.
 * - `vk-unicloud/index.js`: `vk.oauth.qq.list: [{ appid, appsecret }]`, more programs of the same backend.
 *
 * They are read for each call, because one instance serves several apps. Errors name the file and the key.
 */
import { sameSecret } from "@qq-mini/core/adapter/secrets"
import { isNamed } from "@qq-mini/core/adapter/shown"
import * as Setup from "@qq-mini/core/adapter/Setup"
import * as App from "@qq-mini/core/App"
import { type InvalidConfig, QQError, UnknownApp } from "@qq-mini/core/QQError"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type { ConfigCenter, UniCloud } from "./UniCloud.ts"

/**
 * The options of the registry. Programs in the options take precedence over configured ones. With a function `apps`,
 * only a program that the function does not know is looked for in the files, and the default program if `appid` is not
 * set.
 */
export interface Options extends Setup.Programs {
  /** The result of `require("uni-config-center")`. Without it, only the programs in the options exist. */
  readonly configCenter?: ConfigCenter | undefined
  /** Finds the current DCloud app. It is unknown in functions that a timer or a URL triggers. */
  readonly uniCloud?: Pick<UniCloud, "getClientInfos" | "$context"> | undefined
  /** The DCloud app whose entry is used. By default the current app. */
  readonly dcloudAppid?: string | undefined
}

const uniId = "uni-config-center/uni-id/config.json"
const vkIndex = "uni-config-center/vk-unicloud/index.js"
const qq = "mp-qq.oauth.qq"
const list = "vk.oauth.qq.list"

type Json = Readonly<Record<string, any>>

const isObject = (u: unknown): u is Json => typeof u === "object" && u !== null && !Array.isArray(u)

/** The `dcloudAppid` of the option, or else of the current app. `undefined` if it is unknown. */
export const currentApp = ({
  dcloudAppid,
  uniCloud
}: Pick<Options, "dcloudAppid" | "uniCloud">): string | undefined => {
  if (dcloudAppid !== undefined) return dcloudAppid
  try {
    return uniCloud?.$context?.APPID || uniCloud?.getClientInfos?.()[0]?.appId || undefined
  } catch {
    // `getClientInfos` throws outside a request.
    return undefined
  }
}

const load = (setting: string, read: () => unknown): Effect.Effect<unknown, QQError> =>
  Effect.try({
    try: read,
    catch: () => App.invalidConfig(setting, "can't be read: is it valid?", "无法读取：请检查其内容是否正确")
  })

const objectAt = (u: unknown, at: string): Effect.Effect<Json | undefined, QQError> => {
  if (u === undefined || u === null) return Effect.succeed(undefined)
  return isObject(u) ? Effect.succeed(u) : Effect.fail(App.invalidConfig(at, "must be an object", "必须是对象"))
}

/** Reads the value at a path of keys. `undefined` if a key is missing. */
const inside = Effect.fnUntraced(function* (u: unknown, file: string, path: string, from = "") {
  let value = u
  let at = from
  for (const key of path.split(".")) {
    value = (yield* objectAt(value, at === "" ? file : `${file}: ${at}`))?.[key]
    at = at === "" ? key : `${at}.${key}`
  }
  return value
})

/** Checks a configured program. `undefined` if it has neither an appid nor an AppSecret. */
const program = Effect.fnUntraced(function* (value: unknown, at: string) {
  const u = yield* objectAt(value, at)
  return u === undefined || (!u["appid"] && !u["appsecret"])
    ? undefined
    : yield* App.checkCredentials(u, (field) => `${at}.${field}`)
})

/** The program of an entry of uni-id's configuration. */
const ownProgram = Effect.fnUntraced(function* (config: unknown, at: string) {
  return yield* program(yield* inside(config, uniId, qq, at), `${uniId}: ${at === "" ? qq : `${at}.${qq}`}`)
})

const hasProgram = (entry: any, appid: string): boolean => entry?.["mp-qq"]?.oauth?.qq?.appid === appid

/**
 * The index of the entry of a program, or else of the current app. If several entries have the program, the current
 * app's is preferred. `undefined` if there is none.
 */
const indexOf = (
  config: ReadonlyArray<Json | null | undefined>,
  current: string | undefined,
  appid?: string
): number | undefined => {
  const isCurrent = (entry: Json | null | undefined) => current !== undefined && entry?.["dcloudAppid"] === current
  const ofProgram = (entry: unknown) => appid !== undefined && hasProgram(entry, appid)
  return [
    config.findIndex((entry) => ofProgram(entry) && isCurrent(entry)),
    config.findIndex(ofProgram),
    config.findIndex(isCurrent),
    config.findIndex((entry) => entry?.["isDefaultConfig"] === true)
  ].find((found) => found >= 0)
}

const loadUniId = (configCenter: ConfigCenter): Effect.Effect<unknown, QQError> =>
  load(uniId, () => configCenter({ pluginId: "uni-id" }).config())

/** The configuration of uni-id for a program, or else for the current app, and its place in the file. */
const uniIdConfig = Effect.fnUntraced(function* (options: Options, configCenter: ConfigCenter, appid?: string) {
  const config = yield* loadUniId(configCenter)
  if (!Array.isArray(config)) return { config, at: "" }
  const current = currentApp(options)
  const index = indexOf(config, current, appid)
  if (index === undefined) {
    return yield* App.invalidConfig(
      uniId,
      `has no entry with dcloudAppid ${current ?? "(unknown here: give dcloudAppid)"}, and none with isDefaultConfig`,
      `没有 dcloudAppid 为 ${current ?? "（此处未知，请传入 dcloudAppid）"} 的配置，也没有 isDefaultConfig 配置`
    )
  }
  return { config: config[index] as unknown, at: `[${index}]` }
})

/**
 * The whole configuration of uni-id for the current app, unchecked. `undefined` if no entry matches the app. Throws a
 * `QQError` if it can't be read.
 */
export const current = (options: Options): unknown => {
  if (options.configCenter === undefined) return undefined
  const config = Effect.runSync(loadUniId(options.configCenter))
  return Array.isArray(config) ? config[indexOf(config, currentApp(options)) ?? -1] : config
}

/**
 * The DCloud app of a program, for `uni-open-bridge-common`, which finds a program by its app: the app whose entry of an
 * array has the program, also if there is no current app. `undefined` if it is unknown.
 */
export const appOf = (options: Options, appid: string): string | undefined => {
  const { configCenter } = options
  const current = currentApp(options)
  if (configCenter === undefined) return current
  const found = Effect.orElseSucceed(uniIdConfig(options, configCenter, appid), () => undefined)
  const config: any = Effect.runSync(found)?.config
  const app = hasProgram(config, appid) ? config.dcloudAppid : undefined
  return typeof app === "string" ? app : current
}

/**
 * The appid of a DCloud app's program. `undefined` if the options name the default program. Fails with a `QQError` if
 * the app has no program.
 */
export const programOf = Effect.fnUntraced(function* (
  options: Options,
  dcloudAppid: string
): Effect.fn.Return<string | undefined, QQError> {
  const { configCenter } = options
  const isGiven = options.appid !== undefined || (yield* Setup.givenPrograms(options)).length > 0
  if (configCenter === undefined || isGiven) return undefined
  const { at, config } = yield* uniIdConfig({ ...options, dcloudAppid }, configCenter)
  const found = yield* ownProgram(config, at)
  if (found !== undefined) return found.appid
  const reason = new UnknownApp({ appid: undefined, lookedIn: `${uniId} (${qq}, dcloudAppid ${dcloudAppid})` })
  return yield* new QQError({ endpoint: "uni-config-center", app: undefined, reason })
})

/** The configured programs. The first one is the default. */
const configured = Effect.fnUntraced(function* (
  options: Options,
  appid: string | undefined
): Effect.fn.Return<ReadonlyArray<App.AppCredentials>, QQError> {
  const { configCenter } = options
  if (configCenter === undefined) return []
  const { at, config: main } = yield* uniIdConfig(options, configCenter, appid)
  const others = yield* load(vkIndex, () => {
    const center = configCenter({ pluginId: "vk-unicloud" })
    try {
      return center.requireFile("index.js")
    } catch (error) {
      // A project without vk does not have this file.
      if (isNamed(error, /^(MODULE_NOT_FOUND|ENOENT)$/)) return undefined
      throw error
    }
  })
  const further = (yield* inside(others, vkIndex, list)) ?? []
  if (!Array.isArray(further)) return yield* App.notAList(`${vkIndex}: ${list}`)
  const found = [yield* ownProgram(main, at)]
  for (const [i, one] of further.entries()) found.push(yield* program(one, `${vkIndex}: ${list}[${i}]`))
  return found.filter((app) => app !== undefined)
})

const lookedIn = (options: Options): string =>
  options.configCenter === undefined
    ? "appid, apps (no configCenter · 未传入 configCenter)"
    : `${typeof options.apps === "function" ? "apps, " : ""}${uniId} (${qq}), ${vkIndex} (${list})`

/** Makes the registry. It checks the programs in the options now, and the configured ones for each call. */
export const make = Effect.fnUntraced(function* (
  options: Options
): Effect.fn.Return<App.Apps["Service"], QQError, Scope.Scope> {
  const given = yield* Setup.givenPrograms(options)
  const lookedUp = yield* Setup.lookup(options)
  // Always the same object for a program, so that values memoised by object are found again.
  const known = new Map<string, App.AppCredentials>()
  const remember = ({ appid, appsecret }: App.AppCredentialsInput): App.AppCredentials => {
    const found = known.get(appid)
    const app = { appid, appsecret: App.redact(appsecret) }
    if (found !== undefined && sameSecret(found.appsecret, app.appsecret)) return found
    known.set(appid, app)
    return app
  }
  const listed = App.Apps.of({
    credentials(appid) {
      const pick = (apps: ReadonlyArray<App.AppCredentialsInput>) =>
        appid === undefined ? apps[0] : apps.find((one) => one.appid === appid)
      const found = pick(given)
      // A program in the options needs no file.
      const picked =
        found === undefined
          ? Effect.mapBoth(configured(options, appid), {
              onFailure: ({ reason }) => reason as InvalidConfig,
              onSuccess: pick
            })
          : Effect.succeed(found)
      return Effect.flatMap(picked, (app) =>
        app === undefined
          ? Effect.fail(new UnknownApp({ appid, lookedIn: lookedIn(options) }))
          : Effect.succeed(remember(app))
      )
    }
  })
  if (lookedUp === undefined) return listed
  return App.Apps.of({
    ...lookedUp,
    credentials: (appid = options.appid, within) =>
      appid === undefined
        ? listed.credentials(appid)
        : Effect.catchTag(lookedUp.credentials(appid, within), "UnknownApp", () => listed.credentials(appid))
  })
})

/** The registry of programs. Fails with a `QQError` if a program in the options is invalid. */
export const layer = (options: Options): Layer.Layer<App.Apps, QQError> => Layer.effect(App.Apps, make(options))
