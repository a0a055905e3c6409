/**
 * Programs from `uni-config-center`, where uniCloud projects keep them:
 *
 * - `uni-id/config.json`: `"mp-qq": { "oauth": { "qq": { "appid", "appsecret" } } }`, as an object, or as an array with one
 *   entry an app, of which the one with the current `dcloudAppid` counts, else the one with `isDefaultConfig`.
 * - `vk-unicloud/index.js`: `vk.oauth.qq.list: [{ appid, appsecret }]`, further programs of the same backend.
 *
 * They are read with each call, because one instance serves several apps. Errors name the file and the key.
 */
import { sameSecret } from "@qq-mini/core/adapter/secrets"
import { isNamed } from "@qq-mini/core/adapter/shown"
import * as App from "@qq-mini/core/App"
import { type InvalidConfig, type QQError, UnknownApp } from "@qq-mini/core/QQError"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { ConfigCenter, UniCloud } from "./UniCloud.ts"

/** Programs that are given, and where to look for others. */
export interface Options {
  /** `require("uni-config-center")`. */
  readonly configCenter?: ConfigCenter | undefined
  /** Tells the current app, where uniCloud knows it: under timers and URL calls it does not. */
  readonly uniCloud?: Pick<UniCloud, "getClientInfos" | "$context"> | undefined
  /** The app whose entry counts, where the current one is not known or not meant. */
  readonly dcloudAppid?: string | undefined
  /** The default program, in the place of the configured one. */
  readonly appid?: App.AppId | undefined
  readonly appsecret?: App.AppCredentialsInput["appsecret"] | undefined
  /** Further programs, which count before configured ones. */
  readonly apps?: ReadonlyArray<App.AppCredentialsInput> | undefined
}

const uniId = "uni-config-center/uni-id/config.json"
const vkIndex = "uni-config-center/vk-unicloud/index.js"
const qq = "mp-qq.oauth.qq"
const list = "vk.oauth.qq.list"

type Json = Readonly<Record<string, any>>

const isObject = (u: unknown): u is Json => typeof u === "object" && u !== null && !Array.isArray(u)

/** The `dcloudAppid` of the app that is served right now, where it is known. */
export const currentApp = ({
  dcloudAppid,
  uniCloud
}: Pick<Options, "dcloudAppid" | "uniCloud">): string | undefined => {
  if (dcloudAppid !== undefined) return dcloudAppid
  try {
    return uniCloud?.$context?.APPID || uniCloud?.getClientInfos?.()[0]?.appId || undefined
  } catch {
    // outside a request
    return undefined
  }
}

const load = (setting: string, read: () => unknown): unknown => {
  try {
    return read()
  } catch {
    throw App.invalidConfig(setting, "can't be read: is it valid?", "无法读取：请检查其内容是否正确")
  }
}

const objectAt = (u: unknown, at: string): Json | undefined => {
  if (u === undefined || u === null) return undefined
  if (!isObject(u)) throw App.invalidConfig(at, "must be an object", "必须是对象")
  return u
}

/** What stands under a path of keys, or nothing where a key is missing. */
const inside = (u: unknown, file: string, path: string, from = ""): unknown => {
  let value = u
  let at = from
  for (const key of path.split(".")) {
    value = objectAt(value, at === "" ? file : `${file}: ${at}`)?.[key]
    at = at === "" ? key : `${at}.${key}`
  }
  return value
}

/** A program as it stands somewhere, or nothing where neither of its fields does. */
const program = (value: unknown, at: string): App.AppCredentialsInput | undefined => {
  const u = objectAt(value, at)
  if (u === undefined || (!u["appid"] && !u["appsecret"])) return undefined
  for (const field of ["appid", "appsecret"]) {
    if (typeof u[field] !== "string" || u[field].trim() === "") {
      throw App.invalidConfig(`${at}.${field}`, "must be a text, and must not be empty", "必须是非空的字符串")
    }
  }
  return { appid: u["appid"], appsecret: u["appsecret"] }
}

/** The configuration of uni-id that counts for the current app, and where it stands in its file. */
const uniIdConfig = (
  options: Options,
  configCenter: ConfigCenter
): { readonly config: unknown; readonly at: string } => {
  const config = load(uniId, () => configCenter({ pluginId: "uni-id" }).config())
  if (!Array.isArray(config)) return { config, at: "" }
  const current = currentApp(options)
  const index = [
    config.findIndex((entry) => current !== undefined && entry?.dcloudAppid === current),
    config.findIndex((entry) => entry?.isDefaultConfig === true)
  ].find((found) => found >= 0)
  if (index === undefined) {
    throw App.invalidConfig(
      uniId,
      `has no entry with dcloudAppid ${current ?? "(unknown here: give dcloudAppid)"}, and none with isDefaultConfig`,
      `没有 dcloudAppid 为 ${current ?? "（此处未知，请传入 dcloudAppid）"} 的配置，也没有 isDefaultConfig 配置`
    )
  }
  return { config: config[index], at: `[${index}]` }
}

/** The whole configuration of uni-id that counts for the current app; throws a `QQError` where there is none that does. */
export const current = (options: Options): unknown =>
  options.configCenter === undefined ? undefined : uniIdConfig(options, options.configCenter).config

/** What is configured right now; throws a `QQError` where it is wrong. */
const configured = (options: Options): ReadonlyArray<App.AppCredentialsInput> => {
  const { configCenter } = options
  if (configCenter === undefined) return []
  const { at, config: main } = uniIdConfig(options, configCenter)
  const others = load(vkIndex, () => {
    const center = configCenter({ pluginId: "vk-unicloud" })
    try {
      return center.requireFile("index.js")
    } catch (error) {
      // a project without vk has no such file
      if (isNamed(error, /^(MODULE_NOT_FOUND|ENOENT)$/)) return undefined
      throw error
    }
  })
  const further = inside(others, vkIndex, list) ?? []
  if (!Array.isArray(further)) throw App.invalidConfig(`${vkIndex}: ${list}`, "must be a list", "必须是数组")
  return [
    program(inside(main, uniId, qq, at), `${uniId}: ${at === "" ? qq : `${at}.${qq}`}`),
    ...further.map((one, i) => program(one, `${vkIndex}: ${list}[${i}]`))
  ].filter((app) => app !== undefined)
}

const lookedIn = (options: Options): string =>
  options.configCenter === undefined
    ? "appid and apps (no configCenter was given)"
    : `${uniId} (${qq}) and ${vkIndex} (${list})`

/** What a plain object of options gives by itself; throws where it is half. */
const explicit = ({ appid, apps = [], appsecret }: Options): ReadonlyArray<App.AppCredentialsInput> => {
  if (appid === undefined && appsecret === undefined) return apps
  if (appid === undefined || appsecret === undefined) {
    const [missing, given] = appid === undefined ? ["appid", "appsecret"] : ["appsecret", "appid"]
    throw App.invalidConfig(missing!, `is missing beside ${given}`, `缺失：需要与 ${given} 一起给出`)
  }
  return [{ appid, appsecret }, ...apps.filter((app) => app.appid !== appid)]
}

/** All programs there are, the default one first; the first place in which one stands counts. */
export const programs = (options: Options): Effect.Effect<ReadonlyArray<App.AppCredentialsInput>, InvalidConfig> =>
  Effect.mapError(
    checked(() => {
      const all = [...explicit(options), ...configured(options)]
      return all.filter(({ appid }, i) => all.findIndex((other) => other.appid === appid) === i)
    }),
    ({ reason }) => reason as InvalidConfig
  )

// these functions throw nothing but an invalid configuration
const checked = <A>(read: () => A): Effect.Effect<A, QQError> =>
  Effect.try({ try: read, catch: (error) => error as QQError })

/** The registry of these programs. What is given is checked at once, what is configured with each call. */
export const make = Effect.fnUntraced(function* (options: Options): Effect.fn.Return<App.Apps["Service"], QQError> {
  const given = yield* checked(() => explicit(options))
  yield* App.make({ apps: given, source: "apps" })
  // one object for one program, so that what is known of it is found again
  const known = new Map<string, App.AppCredentials>()
  const remember = ({ appid, appsecret }: App.AppCredentialsInput): App.AppCredentials => {
    const found = known.get(appid)
    const app = { appid, appsecret: App.redact(appsecret) }
    if (found !== undefined && sameSecret(found.appsecret, app.appsecret)) return found
    known.set(appid, app)
    return app
  }
  return App.Apps.of({
    credentials(appid) {
      const pick = (apps: ReadonlyArray<App.AppCredentialsInput>) =>
        appid === undefined ? apps[0] : apps.find((one) => one.appid === appid)
      const found = pick(given)
      // what is given needs no file
      const picked = found === undefined ? Effect.map(programs(options), pick) : Effect.succeed(found)
      return Effect.flatMap(picked, (app) =>
        app === undefined
          ? Effect.fail(new UnknownApp({ appid, lookedIn: lookedIn(options) }))
          : Effect.succeed(remember(app))
      )
    }
  })
})

/** The registry of these programs. */
export const layer = (options: Options): Layer.Layer<App.Apps, QQError> => Layer.effect(App.Apps, make(options))
