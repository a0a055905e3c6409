/** The options of one call, with the client's settings as defaults. */
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import type { CallOptions } from "../endpoint/definition.ts"
import type { Settings } from "../internal/settings.ts"
import { InvalidInput } from "../reason/client.ts"
import type { Policy } from "../Retry.ts"

/** Checked options. Times are milliseconds. */
export interface Options {
  /** Timeout of the whole call. */
  readonly deadline: number
  /** Timeout of one attempt. */
  readonly attemptTimeout: number
  /** The retry policy. */
  readonly retry: Policy
  /** Whether the call waits for a place if a quota is full. */
  readonly waitForQuota: boolean
}

const invalid = (name: string, en: string, zh: string) =>
  Result.fail(new InvalidInput({ field: name, problem: { en, zh } }))

/** The options of a call that sets none, from the client's settings. */
export const fromSettings = ({ attemptTimeout, deadline, retry }: Settings): Options => ({
  deadline,
  attemptTimeout,
  retry,
  waitForQuota: true
})

/** Checks the options of a call, and adds the defaults from `usual`. */
export const check = (options: CallOptions, defaults: Options): Result.Result<Options, InvalidInput> => {
  if (typeof options !== "object" || options === null) return invalid("options", "must be an object", "必须是对象")
  const { attempts = defaults.retry.attempts, quota = "wait", ...rest } = options
  const times = { deadline: defaults.deadline, attemptTimeout: defaults.attemptTimeout }
  for (const [name, value] of Object.entries(rest)) {
    if (name !== "deadline" && name !== "attemptTimeout") {
      return invalid(`options.${name}`, "is not an option of a call", "不是调用选项")
    }
    if (value === undefined) continue
    const millis = Option.map(Duration.fromInput(value), Duration.toMillis)
    if (Option.isNone(millis) || !(millis.value > 0)) {
      return invalid(
        `options.${name}`,
        'must be a time above 0, as 5000 (milliseconds) or "5 seconds"',
        '必须是大于 0 的时间，如 5000（毫秒）或 "5 seconds"'
      )
    }
    times[name] = millis.value
  }
  if (!Number.isInteger(attempts) || attempts < 1) {
    return invalid("options.attempts", "must be a whole number of at least 1", "必须是不小于 1 的整数")
  }
  if (quota !== "wait" && quota !== "fail") {
    return invalid("options.quota", 'must be "wait" or "fail"', '必须是 "wait" 或 "fail"')
  }
  return Result.succeed({ ...times, retry: { ...defaults.retry, attempts }, waitForQuota: quota === "wait" })
}
