/** The programs and settings of vk, from the options, from vk's own configuration or from `uni-config-center`. */
import * as Setup from "@qq-mini/core/adapter/Setup"
import { redact } from "@qq-mini/core/App"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type { ConfigCenter, UniCloud } from "../../UniCloud.ts"
import type * as UniCloudQQMini from "../../UniCloudQQMini.ts"
import * as UniConfig from "../../UniConfig.ts"
import { programOf, text } from "./input.ts"
import type { Json } from "./json.ts"
import { noProgram } from "./result.ts"

/** The part of the object that vk passes to `init` which is used. */
export interface Util {
  readonly config?: any
  readonly configCenter?: ConfigCenter
}

/** The appid and the plain secret of a program. */
export interface AppidInfo {
  readonly appid: string
  readonly appsecret: string
}

/** A program, if it is whole: an odd entry of the configuration hurts only the calls that need it. */
const whole = (entry: Json | null | undefined): AppidInfo | undefined => {
  const appid = text(entry?.["appid"])
  const secret: unknown = entry?.["appsecret"]
  const appsecret = Redacted.isRedacted(secret) ? Redacted.value(secret) : text(secret)
  return typeof appid === "string" && typeof appsecret === "string" && appsecret.trim() !== ""
    ? { appid, appsecret }
    : undefined
}

/** The content of `uni-config-center/vk-unicloud/index.js`, if the project has it. */
const vkConfig = (configCenter: ConfigCenter): any => {
  try {
    return configCenter({ pluginId: "vk-unicloud" }).requireFile("index.js")
  } catch {
    // A project without vk does not have this file.
    return undefined
  }
}

/** Makes the access to programs and settings. Nothing is read before it is needed. */
export const make = (options: UniCloudQQMini.Options, aesKey: string | undefined) => {
  let util: Util | undefined
  const configCenter: ConfigCenter = (plugin) => {
    const center = options.configCenter ?? util?.configCenter
    // Without `uni-config-center`, use the configuration that vk has already read.
    return center?.(plugin) ?? { config: () => undefined, requireFile: () => util?.config }
  }
  const config: UniCloudQQMini.Options = { ...options, store: options.store ?? "vk-global-data", configCenter }
  /** The configuration of uni-id for the current app. It contains secrets. */
  const getConfig = (): any =>
    UniConfig.current({
      ...config,
      uniCloud: config.uniCloud ?? (globalThis as { readonly uniCloud?: UniCloud }).uniCloud
    })
  /** vk's own settings. */
  const ofVk = (): any => (vkConfig(configCenter) ?? util?.config)?.vk
  const given = () => Effect.runSync(Setup.givenPrograms(options))
  /** The default program: of the options, or else of uni-id. Never the first of a list in the configuration. */
  const main = (): AppidInfo | undefined => whole(given()[0] ?? getConfig()?.["mp-qq"]?.oauth?.qq)
  /** Another program: of the options, or else of vk's list. */
  const another = (appid: string): AppidInfo | undefined => {
    const list: unknown = ofVk()?.oauth?.qq?.list
    return [...given(), ...(Array.isArray(list) ? list : [])].map(whole).find((one) => one?.appid === appid)
  }

  return {
    /** The options of the client. */
    config,
    /** Takes the configuration that vk has already read. */
    init: (given?: Util): void => {
      util = given
    },
    getConfig,
    main,
    /**
     * The program that a caller names, in vk's order: the default program by its configured secret, another one by the
     * given secret, or else by that in the list. Throws an Error with vk's text if there is none.
     */
    getAppidInfo: (input?: Json | null): AppidInfo => {
      const { appid, appsecret } = programOf(input ?? {})
      const first = main()
      if (first !== undefined && (appid === undefined || appid === first.appid)) return first
      const found = appid === undefined ? undefined : appsecret === undefined ? another(appid) : { appid, appsecret }
      if (found === undefined) throw new Error(noProgram(appid))
      return { appid: found.appid, appsecret: Redacted.value(redact(found.appsecret)) }
    },
    /** The key for `encryptedKey`, if there is one. */
    aesKey: (): string | undefined => {
      const key = aesKey ?? util?.config?.vk?.crypto?.aes ?? ofVk()?.crypto?.aes
      return typeof key === "string" && key !== "" ? key : undefined
    }
  }
}

/** The programs and settings of vk. */
export type Programs = ReturnType<typeof make>
