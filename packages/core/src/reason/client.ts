/**
 * The error reasons that the client itself determines: the call was not sent, or there is no readable answer.
 */
import type * as answered from "./answered.ts"
import { type Help, reason } from "../internal/reason.ts"
import type { InvalidConfig, InvalidInput, UserDataInvalid } from "./input.ts"

export {
  /** A setting is missing or wrong. Nothing was sent. */
  InvalidConfig,
  /** A parameter is wrong. */
  InvalidInput,
  /** The data that a mini program sent is not accepted. */
  UserDataInvalid
} from "./input.ts"

/** The call names an appid without a secret, and the program is not registered. Nothing was sent. */
export class UnknownApp
  extends /* @__PURE__ */ reason("UnknownApp", {
    en: "No AppSecret is known for this program.",
    zh: "未找到该小程序的 AppSecret。"
  })<{
    /** The unknown appid; `undefined` if there is no default program. */
    readonly appid: string | undefined
    /** The places that were searched. */
    readonly lookedIn: string
  }>
{
  override get help(): Help {
    const { appid, lookedIn } = this
    return {
      en: `No AppSecret is known for ${appid ?? "a default program"}; searched: ${lookedIn}. Register the program, or pass its appsecret with the call.`,
      zh: `未找到${appid === undefined ? "默认小程序" : `小程序 ${appid} `}的 AppSecret；查找范围：${lookedIn}。请先登记该小程序，或在调用时传入 appsecret。`
    }
  }
}

/** The function that looks up AppSecrets failed, and the program's secret is not remembered. Nothing was sent. */
export class LookupFailed
  extends /* @__PURE__ */ reason(
    "LookupFailed",
    {
      en: "The function that looks up AppSecrets failed. Check the function and its database, then try again.",
      zh: "查询 AppSecret 的函数执行失败。请检查该函数及其数据库后重试。"
    },
    true
  )<{
    /** The name of the function's error, such as `ECONNREFUSED`. `ETIMEDOUT` if the function did not answer. */
    readonly problem: string
  }>
{
  override get message(): string {
    return `${this.help.en} (${this.problem})`
  }
}

/**
 * A quota is used up. With `code`, QQ said so, for this call or for one shortly before. With `wait`, the client's limiter
 * refused the call, and nothing was sent.
 */
export class QuotaReached
  extends /* @__PURE__ */ reason(
    "QuotaReached",
    {
      en: "The quota of this call is used up. Come back after the time given, or send less.",
      zh: "该接口的调用配额已用完。请在给出的时间之后再试，或降低调用频率。"
    },
    true
  )<{
    /** QQ's code, if QQ said that the quota is used up. */
    readonly code?: number
    /** QQ's own text beside its code. */
    readonly text?: string
    /** Milliseconds until a call is allowed again, if the client's limiter refused the call. */
    readonly wait?: number
    /** The meaning of the code for this call, if it is more specific than the reason's own help. */
    readonly meaning?: Help
  }>
{
  override get retryAfter(): number | undefined {
    return this.wait
  }
}

/** The answer is neither a known success nor an error of QQ's. A check with such an answer never counts as passed. */
export class UnreadableAnswer
  extends /* @__PURE__ */ reason(
    "UnreadableAnswer",
    {
      en: "The answer can't be read, so it counts as no answer. Try again; if it happens again, check the proxies and gateways between you and QQ.",
      zh: "无法识别返回内容，按无返回处理。请重试；若持续出现，请检查与 QQ 之间的代理或网关。"
    },
    true
  )<{
    /**
     * The kind of answer: `empty`, `html`, `not JSON`, `unknown JSON`, `image`, `broken image`, `too large`; or `wrong status`
     * for a success with an HTTP status other than 2xx.
     */
    readonly found: string
    /** The HTTP status. */
    readonly status: number
    /** The size in bytes: as announced if it exceeds the limit, else as read. */
    readonly size: number
    /** Milliseconds from the answer's `Retry-After`. */
    readonly wait?: number
  }>
{
  override get retryAfter(): number | undefined {
    return this.wait
  }
  override get detail(): string {
    return `Found: ${this.found}, HTTP ${this.status}, ${this.size} bytes.`
  }
}

/** The connection failed, so there is no answer. */
export class ConnectionFailed
  extends /* @__PURE__ */ reason(
    "ConnectionFailed",
    {
      en: "The connection to QQ failed. Check the network, DNS and proxy of this machine, then try again.",
      zh: "与 QQ 服务器的连接失败。请检查本机网络、DNS 与代理后重试。"
    },
    true
  )<{
    /** The system's name for the error, such as `ECONNREFUSED`. */
    readonly problem: string
  }>
{
  override get detail(): string {
    return `(${this.problem})`
  }
}

/** The call timed out. If a send may have reached QQ, the reason is {@link OutcomeUnknown} instead. */
export class TimedOut
  extends /* @__PURE__ */ reason(
    "TimedOut",
    {
      en: "The time for this call ran out. Try again, or give it more time.",
      zh: "调用超时。请重试，或设置更长的超时时间。"
    },
    true
  )<{
    /** The phase that timed out: reading a picture, waiting for a turn or quota, for the token, or for QQ's answer. */
    readonly during: "media" | "queue" | "token" | "answer"
    /** The limit in milliseconds. */
    readonly limit: number
  }>
{
  override get detail(): string {
    return `(${this.limit} ms, waiting for the ${this.during})`
  }
}

/** Formats a duration: in seconds below two minutes, in minutes above. */
const lengthOf = (millis: number) =>
  millis < 120_000
    ? { en: `${Math.round(millis / 1_000)} s`, zh: `${Math.round(millis / 1_000)} 秒` }
    : { en: `${Math.round(millis / 60_000)} min`, zh: `${Math.round(millis / 60_000)} 分钟` }

/**
 * The program's tokens repeatedly become invalid before they expire, usually because another deployment fetches tokens
 * for the same appid. The client stops fetching for a while, because each fetch invalidates the other's token.
 */
export class TokenContested
  extends /* @__PURE__ */ reason(
    "TokenContested",
    {
      en: "The program's access tokens repeatedly become invalid before they expire.",
      zh: "该小程序的 access_token 反复提前失效。"
    },
    true
  )<{
    /** How many tokens in a row became invalid early. */
    readonly deaths: number
    /** Milliseconds since each of the last tokens was fetched, the oldest first. */
    readonly fetchedAgo: ReadonlyArray<number>
    /** How many tokens this process fetched in the last 10 minutes while the store was unavailable. */
    readonly ownFetches: number
    /** Milliseconds until the client fetches another token. 0 if calls still work. */
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
            en: `This process itself fetched ${ownFetches} times while its store could not be used, which can be the cause: make sure that the store is reachable.`,
            zh: `存储不可用期间，本进程自行获取了 ${ownFetches} 次，可能正是原因：请确保存储可用。`
          }
        : {
            en: "No process that shares this store caused this: another deployment fetches tokens for the same appid. Find it and stop it, or let it share this store.",
            zh: "原因不在共用此存储的进程：另有服务在用同一 appid 获取 access_token。请找到并停用它，或让它共用此存储。"
          }
    const then =
      wait > 0
        ? { en: `The next one is fetched in ${next.en}.`, zh: `${next.zh}后再获取下一个。` }
        : { en: "Calls still work.", zh: "调用不受影响。" }
    return {
      en: `${deaths} access tokens in a row became invalid before they expired (fetched ${ago.map(({ en }) => en).join(", ")} ago). ${cause.en} ${then.en}`,
      zh: `连续 ${deaths} 个 access_token 提前失效（分别在 ${ago.map(({ zh }) => zh).join("、")}前获取）。${cause.zh}${then.zh}`
    }
  }
}

/** The shared store failed: of tokens, while there was no usable one in memory, or of work in bulk. */
export class StoreFailed
  extends /* @__PURE__ */ reason(
    "StoreFailed",
    {
      en: "The store can't be used. Check that it runs and can be reached.",
      zh: "存储不可用。请检查其是否运行、能否连接。"
    },
    true
  )<{
    /** The operation of the store that failed, such as `read`. */
    readonly operation: string
    /** The name of the store's error. It contains no secret. */
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
  | LookupFailed
  | QuotaReached
  | InvalidInput
  | InvalidConfig
  | UserDataInvalid
  | UnreadableAnswer
  | ConnectionFailed
  | TimedOut
  | TokenContested
  | StoreFailed
  | ClientClosed

/**
 * It is unknown whether QQ executed the call: the request had left when the connection failed or the call timed out, or
 * the answer can't be read. The client never repeats such a call.
 */
export class OutcomeUnknown
  extends /* @__PURE__ */ reason("OutcomeUnknown", {
    en: "It can't be known whether QQ did this. Don't repeat it blindly: it may be done twice.",
    zh: "无法确定 QQ 是否已执行。请勿直接重复调用，否则可能执行两次。"
  })<{
    /** The reason why the outcome is unknown. */
    readonly because: Certain
    /** What the unknown outcome means for this call. */
    readonly meaning?: Help
  }>
{
  // Without the advice of `because`, which may be to try again.
  override get detail(): string {
    return `Because: ${this.because._tag}. ${this.because.detail}`.trimEnd()
  }
}

/** Any reason of a `QQError`. */
export type Reason = Certain | OutcomeUnknown
