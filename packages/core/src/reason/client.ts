/**
 * Reasons of the client's own: QQ was not asked, or gave no answer.
 */
import type * as answered from "./answered.ts"
import { type Help, reason } from "../internal/reason.ts"

/** The appid was given without a secret, and is not among the registered programs. Nothing was sent. */
export class UnknownApp
  extends /* @__PURE__ */ reason("UnknownApp", {
    en: "No AppSecret is known for this program.",
    zh: "未找到该小程序的 AppSecret。"
  })<{
    /** The appid that was asked for; `undefined` when no default program is set. */
    readonly appid: string | undefined
    /** Where it was looked for. */
    readonly lookedIn: string
  }>
{
  override get help(): Help {
    const { appid, lookedIn } = this
    return {
      en: `No AppSecret is known for ${appid ?? "a default program"}; looked in ${lookedIn}. Register the program, or give its appsecret with the call.`,
      zh: `未找到${appid === undefined ? "默认小程序" : `小程序 ${appid} `}的 AppSecret；查找范围：${lookedIn}。请先登记该小程序，或在调用时传入 appsecret。`
    }
  }
}

/** A quota is used up: QQ said so (then `code` is set), or the client's own limiter before anything was sent. */
export class QuotaReached
  extends /* @__PURE__ */ reason(
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
    /** What the code means at this call, where that is more than the reason's own help. */
    readonly meaning?: Help
  }>
{
  override get retryAfter(): number | undefined {
    return this.wait
  }
}

/** A parameter is wrong. Without `code` the client saw it and sent nothing; with `code` QQ said so. */
export class InvalidInput
  extends /* @__PURE__ */ reason("InvalidInput", {
    en: "A parameter is not valid.",
    zh: "参数无效。"
  })<{
    /** The field, as `data.keyword1.value`. */
    readonly field: string
    /** What is wrong with it, its limit and its size; never the value. */
    readonly problem: Help
    readonly code?: number
    readonly text?: string
  }>
{
  override get help(): Help {
    return {
      en: `${this.field}: ${this.problem.en}.${this.code === undefined ? " Nothing was sent." : ""}`,
      zh: `${this.field}：${this.problem.zh}。${this.code === undefined ? "未发送任何请求。" : ""}`
    }
  }
}

/** A setting is missing or wrong. Nothing was sent. */
export class InvalidConfig
  extends /* @__PURE__ */ reason("InvalidConfig", {
    en: "The configuration is not valid.",
    zh: "配置无效。"
  })<{
    /** The option or variable, as `QQ_APPID`. */
    readonly setting: string
    /** What is wrong with it and how to put it right; never the value. */
    readonly problem: Help
  }>
{
  override get help(): Help {
    return { en: `${this.setting}: ${this.problem.en}.`, zh: `${this.setting}：${this.problem.zh}。` }
  }
}

/** The bytes that came back are neither a known success nor an error of QQ's. Never taken for a pass. */
export class UnreadableAnswer
  extends /* @__PURE__ */ reason(
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
  }>
{
  override get retryAfter(): number | undefined {
    return this.wait
  }
  override get message(): string {
    return `${this.help.en} Found: ${this.found}, HTTP ${this.status}, ${this.size} bytes.`
  }
}

/** No answer came because the connection failed. */
export class ConnectionFailed
  extends /* @__PURE__ */ reason(
    "ConnectionFailed",
    {
      en: "The connection to QQ failed. Check the network, DNS and proxy of this machine, then try again.",
      zh: "与 QQ 服务器的连接失败。请检查本机网络、DNS 与代理后重试。"
    },
    true
  )<{
    /** The system's own name for it, as `ECONNREFUSED`. */
    readonly problem: string
  }>
{
  override get message(): string {
    return `${this.help.en} (${this.problem})`
  }
}

/** The time for the call ran out. A send that may have been on its way then is {@link OutcomeUnknown} instead. */
export class TimedOut
  extends /* @__PURE__ */ reason(
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
  }>
{
  override get message(): string {
    return `${this.help.en} (${this.limit} ms, waiting for the ${this.during})`
  }
}

/** A length of time in words: in seconds up to two minutes, in minutes above. */
const lengthOf = (millis: number) =>
  millis < 120_000
    ? { en: `${Math.round(millis / 1_000)} s`, zh: `${Math.round(millis / 1_000)} 秒` }
    : { en: `${Math.round(millis / 60_000)} min`, zh: `${Math.round(millis / 60_000)} 分钟` }

/**
 * The program's tokens die early again and again, as they do when somebody else fetches tokens for the same appid. No
 * more are fetched for a while, because each would only kill the other's.
 */
export class TokenContested
  extends /* @__PURE__ */ reason(
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
  }>
{
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
export class StoreFailed
  extends /* @__PURE__ */ reason(
    "StoreFailed",
    {
      en: "The token store can't be used. Check that it runs and can be reached.",
      zh: "access_token 存储不可用。请检查其是否运行、能否连接。"
    },
    true
  )<{
    readonly operation: string
    readonly problem: string
  }>
{
  override get help(): Help {
    const { operation, problem } = this
    return { en: `${super.help.en} (${operation}: ${problem})`, zh: `${super.help.zh}（${operation}: ${problem}）` }
  }
}

/** The client was closed before or during the call. */
export class ClientClosed
  extends /* @__PURE__ */ reason("ClientClosed", {
    en: "This client is closed. Make a new one, and close it after the last call.",
    zh: "该客户端已关闭。请新建一个，并在最后一次调用之后再关闭。"
  })<{}> {}

/** Every reason but {@link OutcomeUnknown}. */
export type Certain =
  | InstanceType<(typeof answered)[keyof typeof answered]>
  | UnknownApp
  | QuotaReached
  | InvalidInput
  | InvalidConfig
  | UnreadableAnswer
  | ConnectionFailed
  | TimedOut
  | TokenContested
  | StoreFailed
  | ClientClosed

/**
 * It can't be known whether QQ did it: the request was on its way when the connection or the time was lost, or the
 * answer can't be read. It is never repeated silently.
 */
export class OutcomeUnknown
  extends /* @__PURE__ */ reason("OutcomeUnknown", {
    en: "It can't be known whether QQ did this. Don't repeat it blindly: the user may get it twice.",
    zh: "无法确定 QQ 是否已执行。请勿直接重发，否则用户可能收到两次。"
  })<{
    /** What was lost. */
    readonly because: Certain
  }>
{
  override get message(): string {
    return `${this.help.en} Because: ${this.because._tag}. ${this.because.message}`
  }
}

/** Everything that can be the matter with a call. */
export type Reason = Certain | OutcomeUnknown
