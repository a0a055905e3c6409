/** Makes results in the style of vk, with vk's own texts. */
import type { Any } from "@qq-mini/core/Endpoint"
import type { QQError } from "@qq-mini/core/QQError"
import { codeOf, toVkError } from "../../UniResult.ts"
import type { Json } from "./json.ts"

/** A result of vk: QQ's own fields, with `code` and `msg`. */
export interface VkResult {
  /** 0, QQ's code, or -1 for an error without a code. */
  readonly code: number
  /** The error message, or QQ's text. */
  readonly msg: string
  readonly [field: string]: any
}

/** The result of a call for whose token QQ refused the fetch. */
export const noToken: VkResult = {
  code: -1,
  msg: "获取access_token失败，请检查uni-id配置下的mp-qq配置的appid和appsecret是否正确"
}

/** The text of vk's error for an appid without a configured program. */
export const noProgram = (appid: unknown): string =>
  `在单小程序登录模式下，未找到 uni-config-center/uni-id/config.json 中配置的QQ小程序（mp-qq.oauth.qq）的 appid 和 appsecret，在多小程序登录模式下，未找到appid：${String(appid)} 对应的 appsecret 请先在 uni-config-center/vk-unicloud/index.js 中配置QQ小程序（vk.oauth.qq.list）的 appid 和 appsecret`

const tokenWrong = "access_token错误"

/** vk's texts for QQ's codes, by call. Everywhere else the text is QQ's own. */
export const texts: Readonly<Record<string, Readonly<Record<number, string>>>> = {
  "security.msgSecCheck": { 40001: tokenWrong, 87014: "内容含有违法违规内容，请检查!" },
  "security.imgSecCheck": {
    40001: tokenWrong,
    40006: "图片大小不能超过1M",
    87014: "图片内容含有违法违规内容，请检查!"
  },
  "acode.getMiniCode": { 40001: tokenWrong, 41030: "小程序页面不存在!" },
  "auth.code2Session": {
    [-2100]: "无效code，请重新获取",
    [-101600007]: "appid错误",
    [-101222100]: "appsecret错误"
  },
  "subscribeMessage.send": {
    40003: "touser字段openid为空或者不正确",
    40036: "您的小程序不支持发送长期订阅消息",
    40037: "订阅模板id为空不正确",
    41030: "page路径不正确，需要保证在现网版本小程序中存在",
    43101: "用户未订阅该消息",
    47003: "模板参数不准确，可能为空或者不满足规则，errmsg会提示具体是哪个字段出错"
  }
}

/** The code with which QQ refuses a parameter, by call and parameter, where it is known. */
const refusals: Readonly<Record<string, number>> = {
  "auth.code2Session code": -2100,
  "acode.getMiniCode path": 41030,
  "subscribeMessage.send touser": 40003,
  "subscribeMessage.send template_id": 40037,
  "subscribeMessage.send data": 47003
}

const numberOf = (body: Json): number => Number(body["errcode"] || body["errCode"] || body["code"] || 0)

/** The result of an answer: all of QQ's fields, with `code` and `msg`. */
export const answered = (endpoint: string, body: Json): VkResult => {
  const code = numberOf(body)
  return { ...body, code, msg: texts[endpoint]?.[code] ?? (body["errmsg"] || body["errMsg"] || "") }
}

/** A result that QQ did not give, in its spelling for this call. */
const unsent = ({ name, resultCodes }: Any, code: number, text: string): VkResult =>
  answered(name, resultCodes === undefined ? { errcode: code, errmsg: text } : { errCode: code, errMsg: text })

/** The result for a parameter that QQ refuses. Nothing was sent. `text` says so. */
const unfit = (endpoint: Any, field: string, text: string, code?: number): VkResult => {
  const known = code ?? refusals[`${endpoint.name} ${field.split(".")[0]}`]
  return known === undefined ? { code: -1, msg: text } : unsent(endpoint, known, text)
}

/** The result for one parameter that QQ refuses. */
export const refused = (endpoint: Any, field: string, zh: string, code?: number): VkResult =>
  unfit(endpoint, field, `${field}：${zh}。未发送任何请求。`, code)

/** The result of a mini code: its bytes with `code` and `msg`. */
export const picture = (bytes: Uint8Array): Buffer & { code: 0; msg: "" } =>
  Object.assign(Buffer.from(bytes), { code: 0 as const, msg: "" as const })

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

/** The result of a call that failed. `body` is QQ's last answer to it, if any. Throws if QQ's answer is unknown. */
export const failure = (endpoint: Any, error: QQError, body: Json | undefined): VkResult => {
  const { reason } = error
  if (thrown.has(reason._tag)) throw error
  const code = codeOf(error)
  // The error may be about the fetch of a token, between two answers to the call.
  const isOwn = endpoint.authorization !== "access_token" || reason._tag !== "WrongSecret"
  if (body !== undefined && isOwn && numberOf(body) === code) return answered(endpoint.name, body)
  // The limiter refused it, so nothing was sent.
  const isLimited = "wait" in reason && reason.wait !== undefined && reason._tag !== "TokenContested"
  if (isLimited || reason._tag === "QuotaReached") {
    if (code === undefined || isLimited) {
      return unsent(endpoint, code ?? 45009, ("text" in reason ? reason.text : undefined) || error.help.zh)
    }
  }
  // An answer in another form than QQ's has its code in another place.
  const isOther = endpoint.readOther !== undefined
  if (code !== undefined && endpoint.authorization === "access_token" && !isOther) return noToken
  if (reason._tag === "InvalidInput" && code === undefined) return unfit(endpoint, reason.field, error.help.zh)
  return toVkError(error)
}
