/**
 * The one public error of qq-mini, its reasons, and what QQ's codes mean and what to do.
 *
 * Every call fails with {@link QQError} and nothing else. Its `reason` says what happened and can be caught by name:
 * `Effect.catchReason("QQError", "NotSubscribed", () => Effect.void)`.
 */
import * as Data from "effect/Data"
import { hasProperty } from "effect/Predicate"

/** What to do about an error, in both languages. */
export interface Help {
  readonly en: string
  readonly zh: string
}

/** What every reason can say of itself. */
export interface ReasonInfo {
  /** Whether the same call, made again later, can have another outcome. */
  readonly isRetryable: boolean
  /** Milliseconds after which to try again, where that is known. */
  readonly retryAfter: number | undefined
  /** What happened and what to do next, in English and Chinese. */
  readonly help: Help
}

/** What reasons carry that QQ itself gave: its code, its text, and what the code means. */
export interface Answered {
  /** QQ's code: the `errcode`, `errCode` or `code` of its answer. */
  readonly code: number
  /** QQ's own text, shortened, with every secret of the call taken out. */
  readonly text: string
  /** What the code means at this call; the reason's own help where QQ's code says no more. */
  readonly help?: Help
}

// Node and others ask for this when they print a value.
const inspect: unique symbol = Symbol.for("nodejs.util.inspect.custom") as any

const Reason = <Tag extends string>(
  tag: Tag,
  help: Help,
  isRetryable = false
): new <A extends Record<string, any>>(
  args: A
) => InstanceType<ReturnType<typeof Data.TaggedError<Tag>>> & Readonly<Omit<A, "help">> & ReasonInfo => {
  class Base extends Data.TaggedError(tag)<Record<string, any>> {
    readonly #help: Help | undefined
    constructor({ help, ...args }: Record<string, any>) {
      super(args)
      this.#help = help
      hideStack(this)
    }
    get isRetryable(): boolean {
      return isRetryable
    }
    get retryAfter(): number | undefined {
      return undefined
    }
    get help(): Help {
      return this.#help ?? help
    }
    override get message(): string {
      const { code, text } = this as { code?: number; text?: string }
      return code === undefined ? this.help.en : `${this.help.en} (QQ: ${code}${text ? ` "${text}"` : ""})`
    }
    [inspect]() {
      return `${tag}: ${this.message}`
    }
  }
  return Base as any
}

// Where an error was made lies inside the runtime and helps nobody; the promise facade puts its caller's place there.
const hideStack = (error: Error) =>
  Object.defineProperty(error, "stack", {
    value: `${error.name}: ${error.message}`,
    writable: true,
    configurable: true
  })

/** The AppSecret is wrong (`40001` at getToken). Final: further calls fail at once for a while. */
export class WrongSecret extends Reason("WrongSecret", {
  en: "The AppSecret is wrong. Copy it again from q.qq.com > Development > Settings; it changes when somebody resets it.",
  zh: "AppSecret 错误。请到 q.qq.com“开发 > 开发设置”重新复制；重置后旧的立即失效。"
})<Answered> {}

/** QQ does not know this appid (`40013`, `-101600007`). Final, like {@link WrongSecret}. */
export class InvalidAppId extends Reason("InvalidAppId", {
  en: "QQ does not know this appid. Check that it is the appid of a QQ mini program, not of WeChat or a QQ bot.",
  zh: "QQ 不认识该 appid。请确认是 QQ 小程序的 appid，而不是微信或 QQ 机器人的。"
})<Answered> {}

/** The appid was given without a secret, and is not among the registered programs. Nothing was sent. */
export class UnknownApp extends Reason("UnknownApp", {
  en: "No AppSecret is known for this program.",
  zh: "未找到该小程序的 AppSecret。"
})<{
  /** The appid that was asked for; `undefined` when no default program is set. */
  readonly appid: string | undefined
  /** Where it was looked for. */
  readonly lookedIn: string
}> {
  override get help(): Help {
    const { appid, lookedIn } = this
    return {
      en: `No AppSecret is known for ${appid ?? "a default program"}; looked in ${lookedIn}. Register the program, or give its appsecret with the call.`,
      zh: `未找到${appid === undefined ? "默认小程序" : `小程序 ${appid} `}的 AppSecret；查找范围：${lookedIn}。请先登记该小程序，或在调用时传入 appsecret。`
    }
  }
}

/**
 * QQ refused the access token. The client renews its own token and repeats once before it says so; for a caller's own
 * `access_token` it says so at once.
 */
export class InvalidToken extends Reason(
  "InvalidToken",
  {
    en: "QQ refuses the access token. If it is your own, get a new one; if not, a renewal did not help: does another deployment fetch tokens for this appid?",
    zh: "access_token 被拒绝。若为自行传入，请重新获取；否则刷新后仍无效：是否有其他服务在用同一 appid 获取 access_token？"
  },
  true
)<Answered> {}

/** The login code is wrong, expired (5 minutes) or used already. Have the client log in again. */
export class InvalidCode extends Reason("InvalidCode", {
  en: "The login code is invalid, expired (5 minutes) or already used. Call qq.login again and send the new code.",
  zh: "登录 code 无效、已过期（5 分钟）或已被使用。请在小程序端重新调用 qq.login 获取新的 code。"
})<Answered> {}

/** The page does not exist in the published program (`41030`). */
export class PageMissing extends Reason("PageMissing", {
  en: "The page does not exist in the published program. Check the path (no leading /) and publish the page first.",
  zh: "页面在已发布的小程序中不存在。请检查 path（不要以 / 开头），并先发布该页面。"
})<Answered> {}

/** All 50 mini codes of the program are used up (`45029`). Final. */
export class MiniCodesUsedUp extends Reason("MiniCodesUsedUp", {
  en: "All 50 mini codes of this program are used up. Keep and reuse the ones you have made.",
  zh: "该小程序的 50 个小程序码已用完。请保存并复用已生成的小程序码。"
})<Answered> {}

/** The user did not subscribe to this template, or the subscription was used up by an earlier message. */
export class NotSubscribed extends Reason("NotSubscribed", {
  en: "The user has not subscribed to this message. Ask with qq.subscribeAppMsg; one consent allows one message.",
  zh: "用户未订阅该消息。请在小程序端用 qq.subscribeAppMsg 请求订阅；一次授权只能发送一条。"
})<Answered> {}

/** The user refuses these messages, or closed the permission. */
export class UserRefused extends Reason("UserRefused", {
  en: "The user refuses these messages. Do not send again until the user allows it.",
  zh: "用户拒绝接收该消息。在用户重新允许之前不要再发送。"
})<Answered> {}

/** This is too often for one user or one action; QQ names no time. */
export class TooFrequent extends Reason(
  "TooFrequent",
  {
    en: "This was asked too often in a short time. Wait a minute before you try again.",
    zh: "短时间内请求过于频繁。请等待一分钟后再试。"
  },
  true
)<Answered> {
  override get retryAfter(): number {
    return 60_000
  }
}

/** A quota is used up: QQ said so (then `code` is set), or the client's own limiter before anything was sent. */
export class QuotaReached extends Reason(
  "QuotaReached",
  {
    en: "The quota of this call is used up. Come back after the time given, or send less.",
    zh: "该接口的调用配额已用完。请在给出的时间之后再试，或降低调用频率。"
  },
  true
)<{
  /** QQ's code, when it was QQ who said so. */
  readonly code?: number
  readonly text?: string
  /** Milliseconds until there is room again, when the client's limiter said so. */
  readonly wait?: number
  readonly help?: Help
}> {
  override get retryAfter(): number | undefined {
    return this.wait
  }
}

/** QQ is busy (`-1`). */
export class SystemBusy extends Reason(
  "SystemBusy",
  { en: "QQ is busy. Try again in a few seconds.", zh: "QQ 系统繁忙。请过几秒再试。" },
  true
)<Answered> {
  override get retryAfter(): number {
    return 1_000
  }
}

/** A parameter is wrong. Without `code` the client saw it and sent nothing; with `code` QQ said so. */
export class InvalidInput extends Reason("InvalidInput", {
  en: "A parameter is not valid.",
  zh: "参数无效。"
})<{
  /** The field, as `data.keyword1.value`. */
  readonly field: string
  /** What is wrong with it, its limit and its size; never the value. */
  readonly problem: Help
  readonly code?: number
  readonly text?: string
}> {
  override get help(): Help {
    return {
      en: `${this.field}: ${this.problem.en}.${this.code === undefined ? " Nothing was sent." : ""}`,
      zh: `${this.field}：${this.problem.zh}。${this.code === undefined ? "未发送任何请求。" : ""}`
    }
  }
}

/** A setting is missing or wrong. Nothing was sent. */
export class InvalidConfig extends Reason("InvalidConfig", {
  en: "The configuration is not valid.",
  zh: "配置无效。"
})<{
  /** The option or variable, as `QQ_APPID`. */
  readonly setting: string
  /** What is wrong with it and how to put it right; never the value. */
  readonly problem: Help
}> {
  override get help(): Help {
    return { en: `${this.setting}: ${this.problem.en}.`, zh: `${this.setting}：${this.problem.zh}。` }
  }
}

/** The bytes that came back are neither a known success nor an error of QQ's. Never taken for a pass. */
export class UnreadableAnswer extends Reason(
  "UnreadableAnswer",
  {
    en: "The answer can't be read, so it counts as no answer. Try again; if it stays, something stands between you and QQ.",
    zh: "无法识别返回内容，按无返回处理。请重试；若持续出现，请检查与 QQ 之间的代理或网关。"
  },
  true
)<{
  /** What came: `empty`, `html`, `not JSON`, `unknown JSON`, `image`, `broken image`, `too large`. */
  readonly found: string
  readonly status: number
  /** Bytes read. */
  readonly size: number
  /** Milliseconds from the answer's `Retry-After`. */
  readonly wait?: number
}> {
  override get retryAfter(): number | undefined {
    return this.wait
  }
  override get message(): string {
    return `${this.help.en} Found: ${this.found}, HTTP ${this.status}, ${this.size} bytes.`
  }
}

/** No answer came because the connection failed. */
export class ConnectionFailed extends Reason(
  "ConnectionFailed",
  {
    en: "The connection to QQ failed. Check the network, DNS and proxy of this machine, then try again.",
    zh: "与 QQ 服务器的连接失败。请检查本机网络、DNS 与代理后重试。"
  },
  true
)<{
  /** The system's own name for it, as `ECONNREFUSED`. */
  readonly problem: string
}> {
  override get message(): string {
    return `${this.help.en} (${this.problem})`
  }
}

/** The time for the call ran out. A send that may have been on its way then is {@link OutcomeUnknown} instead. */
export class TimedOut extends Reason(
  "TimedOut",
  {
    en: "The time for this call ran out. Try again, or give it more time.",
    zh: "调用超时。请重试，或设置更长的超时时间。"
  },
  true
)<{
  /** What it was waiting for. */
  readonly during: "queue" | "token" | "answer"
  /** The limit in milliseconds. */
  readonly limit: number
}> {
  override get message(): string {
    return `${this.help.en} (${this.limit} ms, waiting for the ${this.during})`
  }
}

/**
 * It can't be known whether QQ did it: the request was on its way when the connection or the time was lost, or the
 * answer can't be read. It is never repeated silently.
 */
export class OutcomeUnknown extends Reason("OutcomeUnknown", {
  en: "It can't be known whether QQ did this. Don't repeat it blindly: the user may get it twice.",
  zh: "无法确定 QQ 是否已执行。请勿直接重发，否则用户可能收到两次。"
})<{
  /** What was lost. */
  readonly because: Exclude<Reason, OutcomeUnknown>
}> {
  override get message(): string {
    return `${this.help.en} Because: ${this.because._tag}. ${this.because.message}`
  }
}

/** How a time is told: seconds up to two minutes, minutes above. */
const lengthOf = (millis: number) =>
  millis < 120_000
    ? { en: `${Math.round(millis / 1_000)} s`, zh: `${Math.round(millis / 1_000)} 秒` }
    : { en: `${Math.round(millis / 60_000)} min`, zh: `${Math.round(millis / 60_000)} 分钟` }

/**
 * The program's tokens die early again and again, as they do when somebody else fetches tokens for the same appid. No
 * more are fetched for a while, because each would only kill the other's.
 */
export class TokenContested extends Reason(
  "TokenContested",
  {
    en: "The program's access tokens die early again and again.",
    zh: "该小程序的 access_token 反复提前失效。"
  },
  true
)<{
  /** How many tokens died early in a row. */
  readonly deaths: number
  /** Milliseconds since each of the last tokens was fetched, the oldest first. */
  readonly fetchedAgo: ReadonlyArray<number>
  /** Fetches of this process while the store could not be used, within the last 10 minutes. */
  readonly ownFetches: number
  /** Milliseconds until one more is fetched, to see whether it lasts. */
  readonly wait: number
}> {
  override get retryAfter(): number {
    return this.wait
  }
  override get help(): Help {
    const { deaths, fetchedAgo, ownFetches, wait } = this
    const ago = fetchedAgo.map(lengthOf)
    const next = lengthOf(wait)
    const cause =
      ownFetches > 0
        ? {
            en: `This process itself fetched ${ownFetches} times while its store could not be used, which can be the cause: see that the store stays reachable.`,
            zh: `存储不可用期间，本进程自行获取了 ${ownFetches} 次，可能正是原因：请确保存储可用。`
          }
        : {
            en: "None of those who share this store did it: another deployment fetches tokens for the same appid. Find it and stop it, or let it share this store.",
            zh: "共享此存储的进程均未多取：另有服务在用同一 appid 获取 access_token。请找到并停用它，或让它共享此存储。"
          }
    const then =
      wait > 0
        ? { en: `The next one is fetched in ${next.en}.`, zh: `${next.zh}后再获取下一个。` }
        : { en: "Calls go on.", zh: "调用不受影响。" }
    return {
      en: `${deaths} access tokens in a row died early (fetched ${ago.map(({ en }) => en).join(", ")} ago). ${cause.en} ${then.en}`,
      zh: `连续 ${deaths} 个 access_token 提前失效（分别在 ${ago.map(({ zh }) => zh).join("、")}前获取）。${cause.zh}${then.zh}`
    }
  }
}

/** The shared store failed and there was no token in memory to go on with. */
export class StoreFailed extends Reason(
  "StoreFailed",
  {
    en: "The token store can't be used. Check that it runs and can be reached.",
    zh: "access_token 存储不可用。请检查其是否运行、能否连接。"
  },
  true
)<{
  readonly operation: string
  readonly problem: string
}> {
  override get help(): Help {
    const { operation, problem } = this
    return { en: `${super.help.en} (${operation}: ${problem})`, zh: `${super.help.zh}（${operation}: ${problem}）` }
  }
}

/** The client was closed before or during the call. */
export class ClientClosed extends Reason("ClientClosed", {
  en: "This client is closed. Make a new one, and close it after the last call.",
  zh: "该客户端已关闭。请新建一个，并在最后一次调用之后再关闭。"
})<{}> {}

/** QQ refused with a code that has no reason of its own. */
export class Rejected extends Reason("Rejected", {
  en: "QQ refused the call. See its code and text.",
  zh: "QQ 拒绝了该调用，请查看错误码和说明。"
})<Answered> {}

/** Everything that can be the matter with a call. */
export type Reason =
  | WrongSecret
  | InvalidAppId
  | UnknownApp
  | InvalidToken
  | InvalidCode
  | PageMissing
  | MiniCodesUsedUp
  | NotSubscribed
  | UserRefused
  | TooFrequent
  | QuotaReached
  | SystemBusy
  | InvalidInput
  | InvalidConfig
  | UnreadableAnswer
  | ConnectionFailed
  | TimedOut
  | OutcomeUnknown
  | TokenContested
  | StoreFailed
  | ClientClosed
  | Rejected

const TypeId = "~@qq-mini/core/QQError"

/** The error of every call: which endpoint, for which program, and why. It shows no secret, however it is printed. */
export class QQError extends Data.TaggedError("QQError")<{
  /** The call, as `security.msgSecCheck`. */
  readonly endpoint: string
  /** The appid of the program the call was for, when it was known. */
  readonly app: string | undefined
  readonly reason: Reason
}> {
  constructor(args: { readonly endpoint: string; readonly app: string | undefined; readonly reason: Reason }) {
    super(args)
    hideStack(this)
  }
  get [TypeId](): typeof TypeId {
    return TypeId
  }
  /** Whether the same call, made again later, can have another outcome. */
  get isRetryable(): boolean {
    return this.reason.isRetryable
  }
  /** Milliseconds after which to try again, where that is known. */
  get retryAfter(): number | undefined {
    return this.reason.retryAfter
  }
  /** What happened and what to do next, in English and Chinese. */
  get help(): Help {
    return this.reason.help
  }
  override get message(): string {
    const app = this.app === undefined ? "" : ` (app ${this.app})`
    return `${this.endpoint}${app}: ${this.reason._tag}: ${this.reason.message}\n${this.reason.help.zh}`
  }
  override toJSON() {
    const { _tag, app, endpoint, help, isRetryable, message, reason, retryAfter } = this
    return { _tag, endpoint, app, message, isRetryable, retryAfter, help, reason }
  }
  [inspect]() {
    return this.stack
  }
}

/** Whether a value is a {@link QQError}, also one of another copy of this package. */
export const isQQError = (u: unknown): u is QQError => hasProperty(u, TypeId)

/** A reason that QQ's answer alone can give. */
export type AnsweredTag =
  | "WrongSecret"
  | "InvalidAppId"
  | "InvalidToken"
  | "InvalidCode"
  | "PageMissing"
  | "MiniCodesUsedUp"
  | "NotSubscribed"
  | "UserRefused"
  | "TooFrequent"
  | "QuotaReached"
  | "SystemBusy"
  | "InvalidInput"
  | "Rejected"

/** One of QQ's codes: the reason it becomes, and, where the reason does not say it all, what it means. */
export interface Code {
  readonly code: number
  readonly reason: AnsweredTag
  readonly help?: Help
  /** The field at fault, for `InvalidInput`. */
  readonly field?: string
}

/**
 * QQ's codes that mean the same at every call, as its documents, captures and other clients' code give them. Those of one
 * call stand with its endpoint, and go before these.
 */
export const codes: ReadonlyArray<Code> = [
  { code: -1, reason: "SystemBusy" },
  { code: 40001, reason: "InvalidToken" },
  { code: 40013, reason: "InvalidAppId" },
  { code: 40014, reason: "InvalidToken" },
  {
    code: 40035,
    reason: "InvalidInput",
    field: "parameters",
    help: { en: "QQ does not accept one of them; its text may say which.", zh: "参数错误，请参考返回的说明。" }
  },
  { code: 42001, reason: "InvalidToken" },
  { code: 45009, reason: "QuotaReached" },
  { code: 45011, reason: "TooFrequent" },
  {
    code: 87014,
    reason: "Rejected",
    help: { en: "The content is risky.", zh: "内容含有违法违规信息。" }
  }
]

const answered = {
  WrongSecret,
  InvalidAppId,
  InvalidToken,
  InvalidCode,
  PageMissing,
  MiniCodesUsedUp,
  NotSubscribed,
  UserRefused,
  TooFrequent,
  QuotaReached,
  SystemBusy,
  Rejected
} as const

/** The reason for a code that QQ answered, at an endpoint with these codes of its own. `text` must be free of secrets. */
export const fromCode = (own: ReadonlyArray<Code> | undefined, code: number, text: string): Reason => {
  const is = (entry: Code) => entry.code === code
  const entry = own?.find(is) ?? codes.find(is)
  const help = entry?.help === undefined ? {} : { help: entry.help }
  if (entry?.reason === "InvalidInput") {
    const { en, zh } = entry.help ?? { en: "is refused", zh: "被拒绝" }
    return new InvalidInput({
      field: entry.field ?? "parameters",
      problem: { en: en.replace(/\.$/, ""), zh: zh.replace(/。$/, "") },
      code,
      text
    })
  }
  return new answered[entry?.reason ?? "Rejected"]({ code, text, ...help })
}
