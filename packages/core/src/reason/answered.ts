/**
 * The error reasons for answers in which QQ refused a call.
 */
import { type Help, reason } from "../internal/reason.ts"

/** The fields of a reason that come from QQ's answer. */
export interface Answered {
  /** QQ's code: the `errcode`, `errCode` or `code` of its answer. */
  readonly code: number
  /** QQ's own text, at most 300 characters, with all secrets of the call removed. */
  readonly text: string
  /** The meaning of the code for this call, if it is more specific than the reason's own help. */
  readonly meaning?: Help
}

/**
 * The AppSecret is wrong (`40001` at getToken). Not retried: for 60 seconds later calls fail at once with this reason.
 */
export class WrongSecret
  extends /* @__PURE__ */ reason("WrongSecret", {
    en: "The AppSecret is wrong. Copy it again from q.qq.com > Development > Settings; it changes when somebody resets it.",
    zh: "AppSecret 错误。请到 q.qq.com“开发 > 开发设置”重新复制；重置后旧的立即失效。"
  })<Answered> {}

/** QQ does not know this appid (`40013`, `-101600007`). Not retried, like {@link WrongSecret}. */
export class InvalidAppId
  extends /* @__PURE__ */ reason("InvalidAppId", {
    en: "QQ does not know this appid. Check that it is the appid of a QQ mini program, not of WeChat or a QQ bot.",
    zh: "QQ 不认识该 appid。请确认是 QQ 小程序的 appid，而不是微信或 QQ 机器人的。"
  })<Answered> {}

/**
 * QQ refused the access token. If the token is the client's, the client has already renewed it and repeated the call
 * once. A token that the caller passed as `access_token` is not renewed.
 */
export class InvalidToken
  extends /* @__PURE__ */ reason(
    "InvalidToken",
    {
      en: "QQ refuses the access token. If it is your own, get a new one; if not, a renewal did not help: does another deployment fetch tokens for this appid?",
      zh: "access_token 被拒绝。若为自行传入，请重新获取；否则刷新后仍无效：是否有其他服务在用同一 appid 获取 access_token？"
    },
    true
  )<Answered> {}

/** The login code is wrong, expired (after 5 minutes) or already used. The mini program must log in again. */
export class InvalidCode
  extends /* @__PURE__ */ reason("InvalidCode", {
    en: "The login code is invalid, expired (5 minutes) or already used. Call qq.login again and send the new code.",
    zh: "登录 code 无效、已过期（5 分钟）或已被使用。请在小程序端重新调用 qq.login 获取新的 code。"
  })<Answered> {}

/** The page does not exist in the published program (`41030`). */
export class PageMissing
  extends /* @__PURE__ */ reason("PageMissing", {
    en: "The page does not exist in the published program. Check the path (no leading /) and publish the page first.",
    zh: "页面在已发布的小程序中不存在。请检查 path（不要以 / 开头），并先发布该页面。"
  })<Answered> {}

/** All 50 mini codes of the program are used up (`45029`). Not retried. */
export class MiniCodesUsedUp
  extends /* @__PURE__ */ reason("MiniCodesUsedUp", {
    en: "All 50 mini codes of this program are used up. Keep and reuse the ones you have made.",
    zh: "该小程序的 50 个小程序码已用完。请保存并复用已生成的小程序码。"
  })<Answered> {}

/** The user did not subscribe to this template, or an earlier message used the subscription up. */
export class NotSubscribed
  extends /* @__PURE__ */ reason("NotSubscribed", {
    en: "The user has not subscribed to this message. Ask with qq.subscribeAppMsg; one consent allows one message.",
    zh: "用户未订阅该消息。请在小程序端用 qq.subscribeAppMsg 请求订阅；一次授权只能发送一条。"
  })<Answered> {}

/** The user refuses these messages, or has withdrawn the permission. */
export class UserRefused
  extends /* @__PURE__ */ reason("UserRefused", {
    en: "The user refuses these messages. Do not send again until the user allows it.",
    zh: "用户拒绝接收该消息。在用户重新允许之前不要再发送。"
  })<Answered> {}

/**
 * The call was made too often for one user or one action. QQ does not say how long to wait. With `wait`, the client's
 * limiter refused the call because QQ had said so shortly before, and nothing was sent.
 */
export class TooFrequent
  extends /* @__PURE__ */ reason(
    "TooFrequent",
    {
      en: "This was asked too often in a short time. Wait a minute before you try again.",
      zh: "短时间内请求过于频繁。请等待一分钟后再试。"
    },
    true
  )<
    Answered & {
      /** Milliseconds until a call is allowed again, if the client's limiter refused the call. */
      readonly wait?: number
    }
  >
{
  override get retryAfter(): number {
    return this.wait ?? 60_000
  }
}

/** QQ is busy (`-1`). */
export class SystemBusy
  extends /* @__PURE__ */ reason(
    "SystemBusy",
    { en: "QQ is busy. Try again in a few seconds.", zh: "QQ 系统繁忙。请过几秒再试。" },
    true
  )<Answered>
{
  override get retryAfter(): number {
    return 1_000
  }
}

/** QQ refused with a code that has no reason of its own. */
export class Rejected
  extends /* @__PURE__ */ reason("Rejected", {
    en: "QQ refused the call. See its code and text.",
    zh: "QQ 拒绝了该调用，请查看错误码和说明。"
  })<Answered> {}
