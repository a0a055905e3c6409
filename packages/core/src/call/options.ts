/** The options of one call, with the client's settings as defaults. */
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import { isObject } from "effect/Predicate"
import * as Result from "effect/Result"
import { type CallOptions, optionNames } from "../endpoint/definition.ts"
import { type Names, unknownNames } from "../internal/names.ts"
import { notAnObject } from "../internal/problem.ts"
import type { Help } from "../internal/reason.ts"
import type { Settings } from "../internal/settings.ts"
import { type FieldProblem, type InvalidInput, invalidInput } from "../reason/input.ts"
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

/** The options of a call that sets none, from the client's settings. */
export const fromSettings = ({ attemptTimeout, deadline, retry }: Settings): Options => ({
  deadline,
  attemptTimeout,
  retry,
  waitForQuota: true
})

const notAnOption: Help = { en: "is not an option of a call", zh: "不是调用选项" }
/** The problem of a time that is none. */
export const notATime: Help = {
  en: 'must be a time above 0, as 5000 (milliseconds) or "5 seconds"',
  zh: '必须是大于 0 的时间，如 5000（毫秒）或 "5 seconds"'
}
/** The problem of a number of at least 1 that is none. */
export const notACount: Help = { en: "must be a whole number of at least 1", zh: "必须是不小于 1 的整数" }
/** The problem of an appid that is none. */
export const notAnAppId: Help = { en: "must be the program's id as a string", zh: "必须是字符串形式的 appid" }
const notAWait: Help = { en: 'must be "wait" or "fail"', zh: '必须是 "wait" 或 "fail"' }

/** A time in milliseconds. `NaN` if it is none. */
export const millisOf = (time: Duration.Input): number =>
  Option.getOrElse(Option.map(Duration.fromInput(time), Duration.toMillis), () => NaN)

/** Checks the options of a call, and adds the defaults from `defaults`. `names` are the options that there are. */
export const check = (
  options: CallOptions,
  defaults: Options,
  names: Names = optionNames
): Result.Result<Options, InvalidInput> => {
  if (!isObject(options as unknown)) {
    return Result.fail(invalidInput([{ field: "options", problem: notAnObject(options, "{ deadline: 5000 }") }]))
  }
  const { attempts = defaults.retry.attempts, quota = "wait" } = options
  const { deadline = defaults.deadline, attemptTimeout = defaults.attemptTimeout } = options
  const times = { deadline: millisOf(deadline), attemptTimeout: millisOf(attemptTimeout) }
  const wrong: Record<string, Help> = Object.fromEntries(unknownNames(options, names, notAnOption))
  for (const [name, millis] of Object.entries(times)) if (!(millis > 0)) wrong[name] = notATime
  if (!Number.isInteger(attempts) || attempts < 1) wrong["attempts"] = notACount
  if (quota !== "wait" && quota !== "fail") wrong["quota"] = notAWait
  const problems = Object.entries(wrong).map(([name, problem]): FieldProblem => ({ field: `options.${name}`, problem }))
  return problems.length > 0
    ? Result.fail(invalidInput(problems))
    : Result.succeed({ ...times, retry: { ...defaults.retry, attempts }, waitForQuota: quota === "wait" })
}
