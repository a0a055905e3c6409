/** Makes results in the style of vk, with vk's own texts. */
import type { Any } from "@qq-mini/core/Endpoint"
import type { QQError } from "@qq-mini/core/QQError"
import { codeOf, toVkError } from "../../UniResult.ts"
import type { Json } from "./input.ts"

/** A result of vk: QQ's own fields, with `code` and `msg`. */
export interface VkResult {
  /** 0, QQ's code, or -1 for an error without a code. */
  readonly code: number
  /** The error message, or QQ's text. */
  readonly msg: string
  readonly [field: string]: any
}

const noToken = "获取access_token失败，请检查uni-id配置下的mp-qq配置的appid和appsecret是否正确"

/** The text of vk's error for an appid without a configured program. */
export const noProgram = (appid: string | undefined): string =>
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

/** The result of a call that succeeded: QQ's answer with `code` and `msg`. */
export const success = (endpoint: string, body: Json): VkResult => {
  const code = Number(body["errcode"] || body["errCode"] || body["code"] || 0)
  const text = body["errmsg"] || body["errMsg"] || ""
  return { ...body, code, msg: (code !== 0 && messageOf(endpoint, code)) || text }
}

/** The result of a mini code: its bytes with `code` and `msg`. */
export const picture = (bytes: Uint8Array): Buffer & { code: 0; msg: "" } =>
  Object.assign(Buffer.from(bytes), { code: 0 as const, msg: "" as const })

/** The result of a login. */
export const session = ({ appid, openid, sessionKey, unionid }: Json, needKey: boolean): VkResult => ({
  ...(appid === undefined ? {} : { appid }),
  openid,
  ...(needKey ? { sessionKey } : {}),
  ...(unionid ? { unionid } : {}),
  errcode: 0,
  errmsg: "",
  code: 0,
  msg: "ok"
})

/** The result for an `encryptedKey` that can't be decrypted. */
export const invalidEncryptedKey: VkResult = { code: -1, msg: "encryptedKey 无效，请重新登录" }

// Reasons that are thrown because QQ's answer is unknown. vk throws too if the network fails.
const thrown: ReadonlySet<QQError["reason"]["_tag"]> = new Set([
  "InvalidConfig",
  "UnreadableAnswer",
  "ConnectionFailed",
  "TimedOut",
  "OutcomeUnknown",
  "StoreFailed",
  "ClientClosed"
] as const)

/** The result of a call that failed. `body` is QQ's answer, if there was one. Throws if QQ's answer is unknown. */
export const failure = (endpoint: Any, error: QQError, body: Json | undefined): VkResult => {
  const { reason } = error
  if (reason._tag === "UnknownApp") throw new Error(noProgram(reason.appid))
  if (thrown.has(reason._tag)) throw error
  const code = codeOf(error)
  if (code === undefined) return { ...toVkError(error), ...(reason._tag === "QuotaReached" ? { code: 45009 } : {}) }
  const ofToken = endpoint.authorization === "access_token" && (body === undefined || reason._tag === "WrongSecret")
  if (ofToken) return { code: -1, msg: noToken }
  const text = "text" in reason ? (reason.text ?? "") : ""
  const [codeField, textField] = body !== undefined && "errCode" in body ? ["errCode", "errMsg"] : ["errcode", "errmsg"]
  return {
    [codeField]: code,
    [textField]: text,
    code,
    msg: messageOf(endpoint.name, code) ?? (text || error.help.zh)
  }
}
