import * as Context from "effect/Context"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { defaultPolicy, type Policy } from "../Retry.ts"
import { checker, rule } from "./rule.ts"

/** The settings of a client. All times are milliseconds. */
export interface Settings {
  /** QQ's base URL. By default `https://api.q.qq.com`. */
  readonly baseUrl: string
  /** Timeout of a whole call: quota, token, all attempts and pauses. By default 15,000. */
  readonly deadline: number
  /** Timeout of one attempt. By default 5,000. */
  readonly attemptTimeout: number
  /** The retry policy. By default 3 attempts, see `Retry.defaultPolicy`. */
  readonly retry: Policy
  /** The largest number of requests in flight. Further calls wait for their turn. By default 64. */
  readonly maxInFlight: number
  /**
   * How the runtime runs code between calls. By default `process`.
   *
   * - `process`: code runs between calls, so a token is renewed in the background.
   * - `invocation`: nothing runs after the response, as in a cloud function that is frozen. One caller waits for the
   *   renewal of a token.
   * - `request`: in addition, the runtime may drop one request while others go on, as on Workers. No call waits for a
   *   fetch that another call started; each uses the store itself.
   */
  readonly runs: "process" | "invocation" | "request"
}

/**
 * The runtime's `waitUntil`, such as `ctx.waitUntil` on Workers, for work that continues after the response. It gets
 * the token fetches. With it, no caller waits for a renewal, and a fetch continues when its last waiting caller is
 * gone. Provide it to the calls of one request.
 */
export const WaitUntil = Context.Reference<((work: Promise<unknown>) => void) | undefined>(
  "@qq-mini/core/QQMini/WaitUntil",
  { defaultValue: () => undefined }
)

/** The settings of clients that are made with it. It has the defaults of {@link Settings}. */
export const Settings = Context.Reference<Settings>("@qq-mini/core/QQMini/Settings", {
  defaultValue: () => ({
    baseUrl: "https://api.q.qq.com",
    deadline: 15_000,
    attemptTimeout: 5_000,
    retry: defaultPolicy,
    maxInFlight: 64,
    runs: "process"
  })
})

/** The settings of a client as options. */
export interface SettingsInput {
  /** Timeout of a whole call in milliseconds. By default 15,000. */
  readonly deadline?: number | undefined
  /** Timeout of one attempt in milliseconds. By default 5,000. */
  readonly attemptTimeout?: number | undefined
  /** The total number of attempts of a call that may be repeated. By default 3. */
  readonly attempts?: number | undefined
  /** QQ's base URL, or that of a sandbox. By default `https://api.q.qq.com`. */
  readonly baseUrl?: string | undefined
}

/** Whether a value is a duration in milliseconds: a finite number above 0. */
export const isMillis = (u: unknown): u is number => Number.isFinite(u) && (u as number) > 0

const isAddress = (u: unknown): u is string =>
  typeof u === "string" && /^https?:\/\/[^?#\s]+$/i.test(u) && Result.isSuccess(Result.try(() => new URL(u)))

/** A rule for an optional value. */
const given = <A>(is: (u: unknown) => u is A, en: string, zh: string) =>
  rule((u): u is A | undefined => u === undefined || is(u), en, zh)

const Millis = /* @__PURE__ */ given(isMillis, "must be a number of milliseconds above 0", "必须是大于 0 的毫秒数")

/** The rule for an optional number of attempts, in settings and in the options of one call. */
export const Attempts = /* @__PURE__ */ given(
  (u): u is number => Number.isInteger(u) && (u as number) >= 1,
  "must be a whole number of at least 1",
  "必须是不小于 1 的整数"
)

/** The rules for {@link SettingsInput}. */
const Rules = /* @__PURE__ */ Schema.Struct({
  deadline: Millis,
  attemptTimeout: Millis,
  attempts: Attempts,
  baseUrl: given(
    isAddress,
    "must be an address without a query, with https:// or http://, as https://api.q.qq.com",
    "必须是以 https:// 或 http:// 开头、不带参数的网址，如 https://api.q.qq.com"
  )
})

/** Checks {@link SettingsInput}. Fails with a `QQError` for the first wrong setting. */
export const checkSettings = /* @__PURE__ */ checker(Rules)
