/** The programs and settings of vk, from the options, from vk's own configuration or from `uni-config-center`. */
import { type AppCredentialsInput, redact } from "@qq-mini/core/App"
import { isQQError, QQError } from "@qq-mini/core/QQError"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type { ConfigCenter, UniCloud } from "../../UniCloud.ts"
import type * as UniCloudQQMini from "../../UniCloudQQMini.ts"
import * as UniConfig from "../../UniConfig.ts"
import type { Json } from "./input.ts"
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

/** The configured program with this appid, or the default program. `undefined` if there is none. */
const configured = (options: UniConfig.Options, appid: string | undefined): AppCredentialsInput | undefined =>
  Effect.runSync(
    UniConfig.make(options).pipe(
      Effect.flatMap((apps) => apps.credentials(appid)),
      Effect.catch((error) =>
        error._tag === "UnknownApp"
          ? Effect.succeed(undefined)
          : Effect.fail(
              isQQError(error) ? error : new QQError({ endpoint: "auth.getAppidInfo", app: appid, reason: error })
            )
      )
    )
  )

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
export const make = (options: UniCloudQQMini.Options & { readonly aesKey?: string | undefined }) => {
  let util: Util | undefined
  const configCenter: ConfigCenter = (plugin) => {
    const center = options.configCenter ?? util?.configCenter
    // Without `uni-config-center`, use the configuration that vk has already read.
    return center?.(plugin) ?? { config: () => undefined, requireFile: () => util?.config }
  }
  const config: UniCloudQQMini.Options = { ...options, store: options.store ?? "vk-global-data", configCenter }
  const inUse = (): UniConfig.Options => ({
    ...config,
    uniCloud: config.uniCloud ?? (globalThis as { readonly uniCloud?: UniCloud }).uniCloud
  })

  const getAppidInfo = (input: { readonly appid?: string; readonly appsecret?: string } = {}): AppidInfo => {
    const { appid, appsecret } = input
    const main = configured(inUse(), undefined)
    const another = appid !== undefined && appid !== main?.appid
    const app = !another ? main : appsecret === undefined ? configured(inUse(), appid) : { appid, appsecret }
    if (app === undefined) throw new Error(noProgram(appid))
    return { appid: app.appid, appsecret: Redacted.value(redact(app.appsecret)) }
  }

  return {
    /** The options of the client. */
    config,
    /** Takes the configuration that vk has already read. */
    init: (given?: Util): void => {
      util = given
    },
    /** The configuration of uni-id for the current app. It contains secrets. */
    getConfig: (): any => UniConfig.current(inUse()),
    /** The program and its AppSecret. Throws an Error with vk's text if there is none. */
    getAppidInfo,
    /** Returns the parameters with the AppSecret of their program. An AppSecret without an appid is dropped. */
    withSecret: ({ appsecret, ...rest }: Json): Json =>
      appsecret === undefined || rest["appid"] === undefined
        ? rest
        : { ...rest, ...getAppidInfo({ appid: rest["appid"], appsecret }) },
    /** The key for `encryptedKey`, if there is one. */
    aesKey: (): string | undefined => {
      const key = options.aesKey ?? util?.config?.vk?.crypto?.aes ?? vkConfig(configCenter)?.vk?.crypto?.aes
      return typeof key === "string" && key !== "" ? key : undefined
    }
  }
}

/** The programs and settings of vk. */
export type Programs = ReturnType<typeof make>
