/** The flags of `qq-mini send`, checked: what goes together, and what their texts mean. */
import type * as Broadcast from "@qq-mini/core/Broadcast"
import type { Help } from "@qq-mini/core/QQError"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { type Failure, wrongUsage } from "../frame/exit.ts"
import { both } from "../frame/invocation.ts"
import type { Input } from "./command.ts"

/** One message. */
export interface One {
  readonly openid: string
  readonly template: string
  readonly page: string | undefined
  readonly data: Readonly<Record<string, string>>
}

/** A broadcast. Without a file, only its `id` is known. */
export interface Many {
  readonly csv: string | undefined
  readonly id: string | undefined
  readonly template: string | undefined
  readonly page: string | undefined
  readonly data: Readonly<Record<string, string>>
  readonly rate: Broadcast.Rate | undefined
  readonly quietHours: Broadcast.QuietHours | undefined
  readonly report: string | undefined
  readonly dryRun: boolean
  readonly resendUnknown: boolean
  readonly yes: boolean
}

/** The texts of this file. */
export const texts = {
  noRecipient: both("Name a user by the openid, or many with --csv.", "请指定用户的 openid，或用 --csv 指定多个用户。"),
  both: both("Name one user or --csv, not both.", "openid 与 --csv 只能指定一个。"),
  noTemplate: both("The flag --template is missing.", "缺少选项 --template。"),
  noData: both("The flag --data is missing, as --data keyword1=text.", "缺少选项 --data，如 --data keyword1=文字。"),
  needsFile: both("needs --csv.", "需要与 --csv 一起使用。"),
  reportNeedsFile: both("--report needs --csv: the rows are read from it.", "--report 需要 --csv，以读取各行。"),
  dryRunOfUnknown: both(
    "--dry-run and --resend-unknown don't go together.",
    "--dry-run 与 --resend-unknown 不能同时使用。"
  ),
  rate: both(
    "--rate must be a number and a time, as 600/minute (second, minute, hour, day).",
    "--rate 必须是次数和时间，如 600/minute（second、minute、hour、day）。"
  ),
  quietHours: both(
    "--quiet-hours must be two different times of the day, as 22:00-08:00.",
    "--quiet-hours 必须是一天中两个不同的时刻，如 22:00-08:00。"
  )
}

const rateOf = (text: string): Broadcast.Rate | undefined => {
  const [, max, window] = /^(\d{1,9})\/(second|minute|hour|day)$/.exec(text) ?? []
  return Number(max) >= 1 ? { max: Number(max), window: window as "second" | "minute" | "hour" | "day" } : undefined
}

const quietHoursOf = (text: string): Broadcast.QuietHours | undefined => {
  const [, from, to] = /^((?:[01]?\d|2[0-3]):[0-5]\d)-((?:[01]?\d|2[0-3]):[0-5]\d)$/.exec(text) ?? []
  return from === undefined || to === undefined || from.padStart(5, "0") === to.padStart(5, "0")
    ? undefined
    : { from, to }
}

const wrong = (text: Help) => Effect.fail(wrongUsage(text))

/** Reads what is given. Fails with what is wrong. */
export const check = (input: Input): Effect.Effect<One | Many, Failure> => {
  const { dryRun, resendUnknown, yes } = input
  const [openid, template, page, csv, id, rate, quietHours, report] = (
    ["openid", "template", "page", "csv", "id", "rate", "quietHours", "report"] as const
  ).map((name) => Option.getOrUndefined(input[name]))
  const data = Option.getOrElse(input.data, () => ({}))

  if (openid !== undefined) {
    if (csv !== undefined) return wrong(texts.both)
    const ofMany = Object.entries({
      "--dry-run": dryRun,
      "--resend-unknown": resendUnknown,
      "--id": id,
      "--rate": rate,
      "--quiet-hours": quietHours,
      "--report": report
    }).find(([, value]) => value !== undefined && value !== false)
    // A flag that is not heeded would be dangerous: who says --dry-run wants that nothing is sent.
    if (ofMany !== undefined) {
      return wrong(both(`${ofMany[0]} ${texts.needsFile.en}`, `${ofMany[0]} ${texts.needsFile.zh}`))
    }
    if (template === undefined) return wrong(texts.noTemplate)
    if (Object.keys(data).length === 0) return wrong(texts.noData)
    return Effect.succeed({ openid, template, page, data })
  }
  if (csv === undefined && !(resendUnknown && id !== undefined)) return wrong(texts.noRecipient)
  if (csv === undefined && report !== undefined) return wrong(texts.reportNeedsFile)
  if (dryRun && resendUnknown) return wrong(texts.dryRunOfUnknown)
  const [limit, hours] = [rateOf(rate ?? ""), quietHoursOf(quietHours ?? "")]
  if (rate !== undefined && limit === undefined) return wrong(texts.rate)
  if (quietHours !== undefined && hours === undefined) return wrong(texts.quietHours)
  const many = { csv, id, template, page, data, rate: limit, quietHours: hours, report, dryRun, resendUnknown, yes }
  return Effect.succeed(many)
}
