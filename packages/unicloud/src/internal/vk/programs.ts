/** The programs that vk's callers mean, and vk's own settings, wherever they are configured. */
import { type AppCredentialsInput, redact } from "@qq-mini/core/App"
import { isQQError, QQError } from "@qq-mini/core/QQError"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type { ConfigCenter, UniCloud } from "../../UniCloud.ts"
import type * as UniCloudQQMini from "../../UniCloudQQMini.ts"
import * as UniConfig from "../../UniConfig.ts"
import type { Json } from "./input.ts"
import { noProgram } from "./result.ts"

/** The used part of the object that vk passes to `init`. */
export interface Util {
  readonly config?: any
  readonly configCenter?: ConfigCenter
}

/** The appid and the plain secret of a program. */
export interface AppidInfo {
  readonly appid: string
  readonly appsecret: string
}

/** The configured program with this appid, or the default one; `undefined` if there is none. */
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
    // a project without vk has no such file
    return undefined
  }
}

/** Programs and settings under these options. Nothing is read before it is needed. */
export const make = (options: UniCloudQQMini.Options & { readonly aesKey?: string | undefined }) => {
  let util: Util | undefined
  const configCenter: ConfigCenter = (plugin) => {
    const center = options.configCenter ?? util?.configCenter
    // without a center the configuration that vk has already read is used
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
    /** Takes the configuration that vk has read already. */
    init: (given?: Util): void => {
      util = given
    },
    /** The configuration of uni-id for the current app. It holds secrets. */
    getConfig: (): any => UniConfig.current(inUse()),
    /** The program and its secret. Throws an Error with vk's text if there is none. */
    getAppidInfo,
    /** Parameters with the secret of their program. A secret without an appid is dropped. */
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

/** Programs and vk's own settings. */
export type Programs = ReturnType<typeof make>
