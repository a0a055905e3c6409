/**
 * `vk.openapi.qq`, made of qq-mini: the same names, parameters, results and messages, without the defects.
 *
 * ```js
 * vk.openapi.qq = createVkOpenapiQQ()
 * ```
 *
 * - QQ's errors are returned, `{ errcode, errmsg, code, msg }` in the spelling QQ used; so are parameters that can't be
 *   right, with `code: -1`, before anything is sent. What leaves it open whether QQ answered is thrown as a `QQError`: no
 *   connection, no time, an answer that can't be read.
 * - A mini code is a Buffer that carries `code` and `msg`.
 * - Every call of qq-mini is here by its name, also those that vk never had.
 */
import { type AppCredentialsInput, redact } from "@qq-mini/core/App"
import * as Auth from "@qq-mini/core/Auth"
import type { Any } from "@qq-mini/core/Endpoint"
import * as Body from "@qq-mini/core/Body"
import * as Endpoint from "@qq-mini/core/Endpoint"
import { groups } from "@qq-mini/core/Endpoints"
import * as Promised from "@qq-mini/core/Promise"
import { isQQError, QQError } from "@qq-mini/core/QQError"
import * as QQMini from "@qq-mini/core/QQMini"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { createCipheriv, createDecipheriv, createHash } from "node:crypto"
import type { ConfigCenter } from "./UniCloud.ts"
import * as UniCloudQQMini from "./UniCloudQQMini.ts"
import * as UniConfig from "./UniConfig.ts"
import { codeOf, toVkError } from "./UniResult.ts"

/** What of vk's ways a caller might rely on; each is off unless it is `true` here. */
export interface Compat {
  /** The caller's object gets the `appid` it was sent with. */
  readonly mutateInput?: boolean | undefined
  /** `encryptedKey` holds the AppSecret too, for an older function that reads it there. It goes to clients: don't. */
  readonly secretInEncryptedKey?: boolean | undefined
  /** A text check travels as a form, as vk sends it, and not as JSON, as QQ's document says. */
  readonly formTextCheck?: boolean | undefined
}

/** As for `createQQMini`, with what is vk's own. */
export interface Options extends UniCloudQQMini.Options {
  /** Encrypts `encryptedKey`; by default vk's own `vk.crypto.aes`. Without either there is no `encryptedKey`. */
  readonly aesKey?: string | undefined
  readonly compat?: Compat | undefined
}

/** What vk gives to `init`, as far as it is used. */
export interface Util {
  readonly config?: any
  readonly configCenter?: ConfigCenter
}

/** A result of vk's: QQ's own fields, and `code` and `msg`. */
export interface VkResult {
  readonly code: number
  readonly msg: string
  readonly [field: string]: any
}

/** Parameters of a call: its own, and which program and token. */
export interface VkInput {
  readonly appid?: string
  readonly appsecret?: string
  readonly access_token?: string
  readonly [parameter: string]: any
}

/** A call in vk's manner. */
export type VkCall = (input?: VkInput) => Promise<VkResult>

/** Calls by group and name. */
export type Groups = Readonly<Record<string, Readonly<Record<string, Any>>>>

/** The calls of these groups, each in vk's manner, but for those that have one of their own. */
export type VkCalls<G extends Groups> = {
  readonly [K in keyof G]: { readonly [N in Exclude<keyof G[K], K extends keyof Own ? keyof Own[K] : never>]: VkCall }
}

/** `vk.openapi.qq`. */
export type VkOpenapiQQ = VkCalls<typeof groups> & Own

/** What is not simply a call in vk's manner. */
interface Own {
  /** vk calls it when it makes an instance. */
  readonly init: (util?: Util) => void
  /** The configuration of uni-id that counts for the current app, whole. It holds secrets. */
  readonly getConfig: () => any
  /** A call that has no name here. `data.access_token: true` sends the program's token along. */
  readonly request: (options: {
    readonly url: string
    readonly method?: "GET" | "POST"
    readonly data?: Readonly<Record<string, any>>
    /** How a POST's data are packed. By default `form`, as vk does. */
    readonly contentType?: "form" | "json"
    readonly appid?: string
    readonly appsecret?: string
  }) => Promise<VkResult>
  readonly auth: {
    /** The program and its secret; throws an Error where none is known. */
    readonly getAppidInfo: (input?: { readonly appid?: string; readonly appsecret?: string }) => {
      readonly appid: string
      readonly appsecret: string
    }
    /** Fetches a new token, which then is everybody's: what QQ answered, `access_token` in any case. */
    readonly getAccessTokenFn: VkCall
    /** The token, or `undefined` when QQ gives none. */
    readonly getAccessToken: (input?: {
      readonly cache?: boolean
      readonly appid?: string
      readonly appsecret?: string
    }) => Promise<string | undefined>
    /** `{ appid, openid, unionid?, sessionKey?, encryptedKey?, platform }`; `encryptedKey` may take the code's place. */
    readonly code2Session: VkCall
    readonly code2SessionMpQQ: VkCall
  }
  readonly acode: {
    /** The picture's bytes with `code: 0` and `msg: ""`, or an error. */
    readonly getMiniCode: (input?: VkInput) => Promise<(Buffer & { code: 0; msg: "" }) | VkResult>
  }
}

const noToken = "获取access_token失败，请检查uni-id配置下的mp-qq配置的appid和appsecret是否正确"
const noProgram = (appid: string | undefined) =>
  `在单小程序登录模式下，未找到 uni-config-center/uni-id/config.json 中配置的QQ小程序（mp-qq.oauth.qq）的 appid 和 appsecret，在多小程序登录模式下，未找到appid：${appid} 对应的 appsecret 请先在 uni-config-center/vk-unicloud/index.js 中配置QQ小程序（vk.oauth.qq.list）的 appid 和 appsecret`

const messages: Readonly<Record<string, string>> = {
  "40001": "access_token错误",
  "43101": "用户未订阅该消息",
  "security.msgSecCheck 87014": "内容含有违法违规内容，请检查!",
  "security.imgSecCheck 87014": "图片内容含有违法违规内容，请检查!",
  "security.imgSecCheck 40006": "图片大小不能超过1M",
  "acode.getMiniCode 41030": "小程序页面不存在!",
  "auth.code2Session -2100": "无效code，请重新获取"
}

const messageOf = (endpoint: string, code: number): string | undefined =>
  messages[`${endpoint} ${code}`] ?? messages[String(code)]

// what says nothing about QQ's opinion is thrown, as vk throws when the network fails
const thrown: ReadonlySet<QQError["reason"]["_tag"]> = new Set([
  "InvalidConfig",
  "UnreadableAnswer",
  "ConnectionFailed",
  "TimedOut",
  "OutcomeUnknown",
  "StoreFailed",
  "ClientClosed"
] as const)

type Json = Readonly<Record<string, any>>

/** What QQ answered, in the words of the endpoint. */
const success = (endpoint: string, body: Json): VkResult => {
  const code = Number(body["errcode"] || body["errCode"] || body["code"] || 0)
  const said = body["errmsg"] || body["errMsg"] || ""
  return { ...body, code, msg: (code !== 0 && messageOf(endpoint, code)) || said }
}

const failure = (endpoint: Any, error: QQError, body: Json | undefined): VkResult => {
  const { reason } = error
  if (reason._tag === "UnknownApp") throw new Error(noProgram(reason.appid))
  if (thrown.has(reason._tag)) throw error
  const code = codeOf(error)
  if (code === undefined) return { ...toVkError(error), ...(reason._tag === "QuotaReached" ? { code: 45009 } : {}) }
  const ofToken = endpoint.authority === "access_token" && (body === undefined || reason._tag === "WrongSecret")
  if (ofToken) return { code: -1, msg: noToken }
  const text = "text" in reason ? (reason.text ?? "") : ""
  const [codeField, textField] = body !== undefined && "errCode" in body ? ["errCode", "errMsg"] : ["errcode", "errmsg"]
  return {
    [codeField]: code,
    [textField]: text,
    code,
    msg: messageOf(endpoint.endpoint, code) ?? (text || error.help.zh)
  }
}

/** How vk's callers name the parameters, where it is not QQ's name. */
const renamed: Readonly<Record<string, (input: Json) => Json>> = {
  "security.imgSecCheck": ({ base64, buffer, media, ...rest }) => ({ ...rest, media: media ?? base64 ?? buffer }),
  "acode.getMiniCode": ({ page, path, ...rest }) => ({ ...rest, path: path ?? page }),
  "auth.code2Session": ({ code, js_code, ...rest }) => ({ ...rest, code: code ?? js_code, needKey: true })
}

// what a call does not know vk's callers may give all the same: QQ ignored it
const known = (endpoint: Any, input: Json): Json => {
  const { access_token, ...given } = input
  const fields = [...Object.keys(endpoint.input.fields ?? given), "appid", "appsecret"]
  const rest = Object.fromEntries(fields.filter((name) => given[name] !== undefined).map((name) => [name, given[name]]))
  return typeof access_token === "string" && access_token !== "" ? { ...rest, access_token } : rest
}

const cipherOf = (aesKey: string) => {
  const key = createHash("md5").update(aesKey).digest("hex").slice(0, 24)
  return ["aes-192-cbc", key, key.slice(0, 16)] as const
}

const encrypt = (aesKey: string, content: Json): string => {
  const cipher = createCipheriv(...cipherOf(aesKey))
  return Buffer.concat([cipher.update(JSON.stringify(content), "utf8"), cipher.final()]).toString("base64")
}

const decrypt = (aesKey: string, encrypted: string): Json | undefined => {
  try {
    const decipher = createDecipheriv(...cipherOf(aesKey))
    const text = Buffer.concat([decipher.update(Buffer.from(encrypted, "base64")), decipher.final()]).toString("utf8")
    const json = JSON.parse(text)
    return typeof json?.openid === "string" ? json : undefined
  } catch {
    return undefined
  }
}

const AnyJson = Schema.Record(Schema.String, Schema.Unknown)

const { msgSecCheck } = groups.security
const formTextCheck: Any = (() => {
  const { authority, input, output, wire, answers, quota, delivery } = msgSecCheck
  return Endpoint.post("security.msgSecCheck", "/api/json/security/MsgSecCheck", () => ({
    authority,
    input,
    wire,
    output,
    ...(answers === undefined ? {} : { answers }),
    ...(quota === undefined ? {} : { quota }),
    delivery,
    appid: true,
    body: Body.form
  }))
})()

/** Makes `vk.openapi.qq`. Nothing is looked at before the first call. */
export const createVkOpenapiQQ = (options: Options = {}): VkOpenapiQQ => fromGroups(groups, options)

/** As `createVkOpenapiQQ`, of these calls: each gets vk's manner from what its endpoint says of itself. */
export const fromGroups = <const G extends Groups>(groups: G, options: Options = {}): VkCalls<G> & Own => {
  const { compat = {} } = options
  let util: Util | undefined
  const configCenter: ConfigCenter = (plugin) => {
    const center = options.configCenter ?? util?.configCenter
    // what vk read already will do where there is no more
    return center?.(plugin) ?? { config: () => undefined, requireFile: () => util?.config }
  }
  const config: UniCloudQQMini.Options = { ...options, store: options.store ?? "vk-global-data", configCenter }
  const inUse = () => ({ ...config, uniCloud: config.uniCloud ?? (globalThis as any).uniCloud })
  const runner = Promised.makeRunner(UniCloudQQMini.layer(config))
  const vkConfig = (): any => {
    try {
      return configCenter({ pluginId: "vk-unicloud" }).requireFile("index.js")
    } catch {
      // a project without vk has no such file
      return undefined
    }
  }
  const aesKey = (): string | undefined => {
    const key = options.aesKey ?? util?.config?.vk?.crypto?.aes ?? vkConfig()?.vk?.crypto?.aes
    return typeof key === "string" && key !== "" ? key : undefined
  }

  /** Calls, and gives what came back beside the value; QQ's errors as results. */
  const invoke = async <A>(endpoint: Any, input: Json, then: (value: any, body: Json) => A): Promise<A | VkResult> => {
    let body: Json | undefined
    const call = QQMini.QQMini.use((client) => client.call(endpoint, input)).pipe(
      Effect.provideService(QQMini.OnAnswer, (from, json) => {
        if (from === endpoint) body = json
      })
    )
    try {
      return then(await runner.run(endpoint.endpoint, call), body ?? {})
    } catch (error) {
      if (!isQQError(error)) throw error
      return failure(endpoint, error, body)
    }
  }

  const appOf = (appid: string | undefined): AppCredentialsInput | undefined =>
    Effect.runSync(
      UniConfig.make(inUse()).pipe(
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

  const getAppidInfo = ({ appid, appsecret }: { readonly appid?: string; readonly appsecret?: string } = {}) => {
    const main = appOf(undefined)
    const another = appid !== undefined && appid !== main?.appid
    const app = !another ? main : appsecret === undefined ? appOf(appid) : { appid, appsecret }
    if (app === undefined) throw new Error(noProgram(appid))
    return { appid: app.appid, appsecret: Redacted.value(redact(app.appsecret)) }
  }

  // a secret counts beside another appid than the default one's, and there alone
  const ofProgram = ({ appsecret, ...rest }: Json): Json =>
    appsecret === undefined || rest["appid"] === undefined
      ? rest
      : { ...rest, ...getAppidInfo({ appid: rest["appid"], appsecret }) }

  const mutate = (input: any) => {
    if (compat.mutateInput === true && typeof input === "object" && input !== null) {
      input.appid ??= getAppidInfo().appid
    }
  }

  const callOf =
    (endpoint: Any): VkCall =>
    async (given = {}) => {
      mutate(given)
      const name = endpoint.endpoint
      const input = ofProgram(known(endpoint, renamed[name]?.(given) ?? given))
      return invoke(endpoint, input, (value, body) =>
        endpoint.image
          ? (Object.assign(Buffer.from(value.bytes), { code: 0, msg: "" }) as unknown as VkResult)
          : success(name, body)
      )
    }

  const getAccessToken = async (input: Json = {}): Promise<string | undefined> => {
    const parameters = ofProgram(known(Auth.getAccessToken, input))
    const token = await invoke(Auth.getAccessToken, parameters, Redacted.value<string>)
    return typeof token === "string" ? token : undefined
  }

  const getAccessTokenFn: VkCall = async (input = {}) =>
    // the answer is not seen here when another call's fetch was joined
    invoke(
      Auth.getAccessToken,
      ofProgram(known(Auth.getAccessToken, { ...input, access_token: undefined, cache: false })),
      (token, body) => success(Auth.getAccessToken.endpoint, { ...body, access_token: Redacted.value<string>(token) })
    )

  const code2Session: VkCall = async (given = {}) => {
    mutate(given)
    const { encryptedKey, needKey = false, platform = "mp-qq", ...input } = given
    const key = aesKey()
    const session = (result: Json): VkResult => {
      const { appid, openid, sessionKey, unionid } = result
      return {
        ...(appid === undefined ? {} : { appid }),
        openid,
        ...(needKey ? { sessionKey } : {}),
        ...(unionid ? { unionid } : {}),
        errcode: 0,
        errmsg: "",
        code: 0,
        msg: "ok"
      }
    }
    if (encryptedKey) {
      const kept = key === undefined ? undefined : decrypt(key, String(encryptedKey))
      return kept === undefined
        ? { code: -1, msg: "encryptedKey 无效，请重新登录", platform }
        : { ...session(kept), encryptedKey, platform }
    }
    const parameters = ofProgram(known(Auth.code2Session, renamed["auth.code2Session"]!(input)))
    const result = await invoke(Auth.code2Session, parameters, (value): Json => {
      const appid = parameters["appid"] ?? getAppidInfo().appid
      const session_key: Redacted.Redacted<string> | undefined = value.session_key
      const sessionKey = session_key === undefined ? undefined : Redacted.value(session_key)
      return { appid, openid: value.openid, sessionKey, unionid: value.unionid }
    })
    if ("code" in result) return { ...(result as VkResult), platform }
    const kept = compat.secretInEncryptedKey === true ? { ...result, ...getAppidInfo(parameters) } : result
    return { ...session(result), ...(key === undefined ? {} : { encryptedKey: encrypt(key, kept) }), platform }
  }

  const request: Own["request"] = async ({ contentType = "form", data = {}, method = "POST", url, ...app }) => {
    const { access_token, appid = app.appid, appsecret = app.appsecret, ...rest }: Json = data
    const path = `/${String(url)
      .replace(/^https?:\/\/[^/]+/i, "")
      .replace(/^\/+/, "")}`
    const definition = {
      authority: access_token ? ("access_token" as const) : ("none" as const),
      input: AnyJson,
      wire: AnyJson,
      output: AnyJson
    }
    const given =
      data["appid"] !== undefined ? `${path.includes("?") ? "&" : "?"}appid=${encodeURIComponent(String(appid))}` : ""
    const endpoint: Any =
      method.toUpperCase() === "GET"
        ? Endpoint.get("request", path + given, () => ({ ...definition, delivery: "repeatable" }))
        : Endpoint.post("request", path, () => ({
            ...definition,
            delivery: "once",
            body: contentType === "json" ? Body.json : Body.form,
            appid: given !== ""
          }))
    const own = typeof access_token === "string" ? { access_token } : {}
    return invoke(endpoint, ofProgram({ ...rest, ...own, appid, appsecret }), (_, body) => success("request", body))
  }

  const calls = Object.fromEntries(
    Object.entries(groups).map(([group, endpoints]) => [
      group,
      Object.fromEntries(
        Object.entries(endpoints).map(([name, endpoint]) => [
          name,
          callOf(endpoint === msgSecCheck && compat.formTextCheck === true ? formTextCheck : endpoint)
        ])
      )
    ])
  ) as any

  return {
    ...calls,
    auth: {
      ...calls.auth,
      getAppidInfo,
      getAccessTokenFn,
      getAccessToken,
      code2Session,
      code2SessionMpQQ: code2Session
    },
    init: (given) => {
      util = given
    },
    getConfig: () => UniConfig.current(inUse()),
    request
  }
}
