/** The options of a broadcast, checked. */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { isObject } from "effect/Predicate"
import * as Result from "effect/Result"
import { type AppId, isAppId } from "../App.ts"
import { isSource, notASource, type Source } from "../bulk/source.ts"
import { millisOf, notAnAppId, notATime } from "../call/options.ts"
import { type Names, unknownNames } from "../internal/names.ts"
import { notAnObject } from "../internal/problem.ts"
import type { Help } from "../internal/reason.ts"
import { Settings } from "../internal/settings.ts"
import { longestMillis } from "../internal/time.ts"
import { type Limit, windowMillis } from "../Limit.ts"
import { QQError } from "../reason/error.ts"
import { type FieldProblem, invalidInput } from "../reason/input.ts"
import { problemsOfShared, type RecipientMessage, type Shared, sharedIn } from "./message.ts"
import * as Quiet from "./quietHours.ts"

/** A broadcast's own limit: `{ max: 600, window: "minute" }`. A number is milliseconds. */
export interface Rate {
  readonly max: number
  readonly window: "second" | "minute" | "hour" | "day" | number
}

/** The options of a broadcast. */
export interface Options<A, E = never> extends Shared {
  /**
   * The name of the broadcast, up to 64 letters, digits, `-`, `_` and `.`. It is the same in all processes that work on
   * it, and after a restart. Another name is another broadcast: everybody gets its message again. Two programs that share
   * the stores need two names.
   */
  readonly id: string
  /**
   * The recipients: an iterable, an async iterable, a `Stream`, or a function that continues after the recipients that
   * were loaded before. Without, this process only sends what another one loads.
   */
  readonly recipients?: Source<A, E> | undefined
  /**
   * Makes the message of a recipient. By default a recipient is an object with `openid` (or `touser`), and `data` or
   * `keyword1`, `keyword2` ….
   */
  readonly message?: ((recipient: A) => RecipientMessage) | undefined
  /** The program that sends. By default the client's default program. */
  readonly appid?: AppId | undefined
  /** How many messages this process sends at once. By default 16. */
  readonly concurrency?: number | undefined
  /** Recipients in an element of the queue, from 1 to 1,000. By default 500. It can't change after the start. */
  readonly chunkSize?: number | undefined
  /** A limit of your own over all processes that share the limiter `Quota`. By default none: QQ publishes none. */
  readonly rate?: Rate | undefined
  /** The hours in which nothing is sent. By default none. */
  readonly quietHours?: Quiet.QuietHours | undefined
  /** The timeout of one message. By default 15 seconds. A process that ends waits for the messages on their way. */
  readonly deadline?: Duration.Input | undefined
}

const names = {
  id: ["name"],
  recipients: ["users", "openids"],
  message: [],
  template_id: ["templateId"],
  page: ["path"],
  emphasis_keyword: [],
  oac_appid: [],
  use_robot: [],
  appid: [],
  concurrency: [],
  chunkSize: [],
  rate: ["limit", "rateLimit"],
  quietHours: [],
  deadline: ["timeout"]
} satisfies Record<keyof Options<unknown>, ReadonlyArray<string>> & Names

/** Checked options. Times are milliseconds. */
export interface Checked<A, E> {
  readonly id: string
  readonly recipients: Source<A, E> | undefined
  readonly message: ((recipient: A) => RecipientMessage) | undefined
  readonly shared: Shared
  readonly appid: AppId | undefined
  readonly concurrency: number
  readonly chunkSize: number
  readonly limits: ReadonlyArray<Limit>
  readonly quiet: (now: number) => number
  readonly deadline: number
}

const seconds = { second: 1_000, hour: 3_600_000 } as const

const limitOf = ({ max, window }: Rate): Limit => ({
  max,
  window:
    typeof window === "string" && Object.hasOwn(seconds, window)
      ? seconds[window as keyof typeof seconds]
      : (window as Limit["window"]),
  scope: "app",
  enforcedBy: "client"
})

const isLimit = (rate: Rate): boolean =>
  isObject(rate) && Number.isInteger(rate.max) && rate.max >= 1 && isMillis(windowMillis(limitOf(rate).window))

const isMillis = (millis: number): boolean => millis > 0 && Number.isFinite(millis)

const isCount = (u: unknown, max: number): boolean => Number.isInteger(u) && (u as number) >= 1 && (u as number) <= max

const problems: Readonly<Record<string, Help>> = {
  id: {
    en: "must be a name of up to 64 letters, digits, -, _ and ., as autumn-2026",
    zh: "必须是名称，由不超过 64 个字母、数字、-、_、. 组成，如 autumn-2026"
  },
  recipients: notASource,
  message: { en: "must be a function from a recipient to its message", zh: "必须是由接收者得到消息的函数" },
  appid: notAnAppId,
  concurrency: { en: "must be a whole number from 1 to 1,000", zh: "必须是 1 到 1,000 的整数" },
  chunkSize: { en: "must be a whole number from 1 to 1,000", zh: "必须是 1 到 1,000 的整数" },
  rate: {
    en: 'must be a limit, as { max: 600, window: "minute" } (second, minute, hour, day, or milliseconds)',
    zh: '必须是频率限制，如 { max: 600, window: "minute" }（可用 second、minute、hour、day 或毫秒数）'
  },
  quietHours: {
    en: 'must be two different times of the day, as { from: "22:00", to: "08:00" }, in a known timeZone',
    zh: '必须是一天中两个不同的时刻，如 { from: "22:00", to: "08:00" }，timeZone 必须是已知时区'
  },
  deadline: notATime
}

/** Makes the function of the quiet hours. Fails if they are none. */
const quietOf = (hours: Quiet.QuietHours | undefined): Result.Result<(now: number) => number, unknown> =>
  hours === undefined
    ? Result.succeed(() => 0)
    : !isObject(hours) || !(Math.abs(Quiet.timeOfDay(hours.from) - Quiet.timeOfDay(hours.to)) > 0)
      ? Result.fail(undefined)
      : Result.try(() => Quiet.make(hours))

/** The error of a broadcast whose options are wrong. */
export const invalid = (fields: ReadonlyArray<FieldProblem>): QQError =>
  new QQError({ endpoint: "broadcast", app: undefined, reason: invalidInput(fields) })

/** Checks the options and adds the defaults. Fails with all problems. */
export const check = <A, E>(options: Options<A, E>): Effect.Effect<Checked<A, E>, QQError> =>
  Effect.suspend(() => {
    if (!isObject(options as unknown)) {
      return Effect.fail(invalid([{ field: "options", problem: notAnObject(options, '{ id: "autumn-2026" }') }]))
    }
    const { appid, chunkSize = 500, concurrency = 16, id, message, rate, recipients } = options
    const deadline = millisOf(options.deadline ?? Settings.defaultValue().deadline)
    const quiet = quietOf(options.quietHours)
    const isRight: Readonly<Record<string, boolean>> = {
      id: typeof id === "string" && /^[\w.-]{1,64}$/.test(id),
      recipients: recipients === undefined || isSource(recipients),
      message: message === undefined || typeof message === "function",
      appid: appid === undefined || isAppId(appid),
      concurrency: isCount(concurrency, 1_000),
      chunkSize: isCount(chunkSize, 1_000),
      rate: rate === undefined || isLimit(rate),
      quietHours: Result.isSuccess(quiet),
      deadline: isMillis(deadline)
    }
    const shared = sharedIn(options)
    const wrong = [
      ...unknownNames(options, names, { en: "is not an option of a broadcast", zh: "不是群发的选项" }).map(
        ([field, problem]): FieldProblem => ({ field, problem })
      ),
      ...Object.keys(isRight).flatMap((field) => (isRight[field] ? [] : [{ field, problem: problems[field]! }])),
      ...problemsOfShared(shared)
    ]
    if (wrong.length > 0 || Result.isFailure(quiet)) return Effect.fail(invalid(wrong))
    return Effect.succeed({
      id,
      recipients,
      message,
      shared,
      appid,
      concurrency,
      chunkSize,
      limits: rate === undefined ? [] : [limitOf(rate)],
      quiet: quiet.success,
      deadline: Math.min(deadline, longestMillis)
    })
  })
