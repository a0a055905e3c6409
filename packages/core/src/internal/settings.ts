import * as Context from "effect/Context"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { defaultPolicy, type Policy } from "../Retry.ts"
import { checker, rule } from "./rule.ts"

/** How a client works. All times are milliseconds. */
export interface Settings {
  /** Where QQ is. By default `https://api.q.qq.com`. */
  readonly baseUrl: string
  /** The time for a whole call: quota, token, every attempt and every pause. By default 15,000. */
  readonly deadline: number
  /** The time for one attempt. By default 5,000. */
  readonly attemptTimeout: number
  /** How often and how slowly to repeat what may be repeated. */
  readonly retry: Policy
  /** Requests on the wire at once; further calls wait for their turn. By default 64. */
  readonly maxInFlight: number
  /**
   * How the runtime lives. By default `process`.
   *
   * - `process`: it runs on between calls, so a renewal ahead of a token's end happens in the background.
   * - `invocation`: nothing runs after the answer, as in a cloud function that is frozen then. One caller waits for a
   *   renewal.
   * - `request`: besides, the work of one request may stop unnoticed while others go on, as on Workers. No call waits for a
   *   fetch that another call began: each goes to the store.
   */
  readonly runs: "process" | "invocation" | "request"
}

/**
 * Takes what may go on after the answer, as `ctx.waitUntil` of Workers does. It is given fetches of the token: with it a
 * renewal is not `awaited`, and a fetch does not end with the last who waits for it. Provide it to the calls of one request.
 */
export const WaitUntil = Context.Reference<((work: Promise<unknown>) => void) | undefined>(
  "@qq-mini/core/QQMini/WaitUntil",
  { defaultValue: () => undefined }
)

/** The settings of the clients that are made below it. */
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

/** How a client works, as people write it. */
export interface SettingsInput {
  /** Milliseconds for a whole call. By default 15,000. */
  readonly deadline?: number | undefined
  /** Milliseconds for one attempt. By default 5,000. */
  readonly attemptTimeout?: number | undefined
  /** Attempts in all of what may be repeated. By default 3. */
  readonly attempts?: number | undefined
  /** Where QQ is. By default `https://api.q.qq.com`; a sandbox has its own address. */
  readonly baseUrl?: string | undefined
}

/** Whether a value is a time in milliseconds: a number above 0 that has an end. */
export const isMillis = (u: unknown): u is number => Number.isFinite(u) && (u as number) > 0

const isAddress = (u: unknown): u is string =>
  typeof u === "string" && /^https?:\/\/[^?#\s]+$/i.test(u) && Result.isSuccess(Result.try(() => new URL(u)))

/** The rule for what need not be given. */
const given = <A>(is: (u: unknown) => u is A, en: string, zh: string) =>
  rule((u): u is A | undefined => u === undefined || is(u), en, zh)

const Millis = /* @__PURE__ */ given(isMillis, "must be a number of milliseconds above 0", "必须是大于 0 的毫秒数")

/** A number of attempts, if any is given: in settings, and in the options of one call. */
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
    "must be an address without a query, as https://api.q.qq.com",
    "必须是不带参数的网址，如 https://api.q.qq.com"
  )
})

/** Checks settings, each of which may be `undefined`. */
export const checkSettings = /* @__PURE__ */ checker(Rules)
