/** The options of a backfill, checked. */
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import { isObject } from "effect/Predicate"
import * as Result from "effect/Result"
import { type AppId, isAppId } from "../App.ts"
import { isSource, notASource, type Source } from "../bulk/source.ts"
import { millisOf, notAnAppId, notATime } from "../call/options.ts"
import { isPrepare, notPrepare } from "../call/picture.ts"
import type { ImagePreparer } from "../ImagePreparer.ts"
import { type Names, unknownNames } from "../internal/names.ts"
import { notAnObject } from "../internal/problem.ts"
import type { Help } from "../internal/reason.ts"
import { longestMillis } from "../internal/time.ts"
import type { QQError } from "../reason/error.ts"
import type { FieldProblem } from "../reason/input.ts"
import type { Content } from "./content.ts"
import { invalid } from "./invalid.ts"
import type { Verdict } from "./progress.ts"

/** The options of a backfill. */
export interface Options<A, E = never> {
  /**
   * The name of the backfill, up to 64 letters, digits, `-`, `_` and `.`. It is the same in all processes that work on it,
   * and after a restart. Another name goes through all items again, but checks only content without a kept verdict.
   */
  readonly id: string
  /**
   * The items: an iterable, an async iterable, a `Stream`, or a function that continues after the number of items that are
   * done. They are read again after a restart, so they must come in the same order, and new ones at the end.
   */
  readonly items: Source<A, E>
  /** Gives the content of an item. It may return a promise or an effect. */
  readonly content: (item: A) => Content | PromiseLike<Content> | Effect.Effect<Content, unknown>
  /**
   * The name of an item in reports. By default its line in the source. Items that are not those with which a part of the
   * backlog was finished are noticed by their names, and the part is gone through again.
   */
  readonly key?: ((item: A) => string) | undefined
  /**
   * Called with the verdict on each item, also with a kept one and with `failed`. What it returns is waited for: a promise
   * or an effect. After a crash it may be called again for an item. If it fails several times, the run fails.
   */
  readonly onVerdict?: ((item: A, verdict: Verdict) => unknown) | undefined
  /** How many items this process reads and checks at once. By default 16. Fewer need less memory for large images. */
  readonly concurrency?: number | undefined
  /** How long verdicts are kept: within it, the same content is not checked again. By default 30 days. */
  readonly keepFor?: Duration.Input | undefined
  /** The part of QQ's quota that is left for live checks, from 0 to below 1. By default 0.2. */
  readonly leaveForLive?: number | undefined
  /**
   * Whether pictures are prepared, as `prepare` of `imgSecCheck`. By default `true`. Where there is no preparer, a picture
   * that QQ takes is checked as it is, and any other one fails.
   */
  readonly prepare?: boolean | ImagePreparer | undefined
  /** The program of the checks. By default the client's default program. */
  readonly appid?: AppId | undefined
  /** The timeout of one request, and of reading one content. By default the client's timeout of one call. */
  readonly deadline?: Duration.Input | undefined
}

const names = {
  id: ["name"],
  items: ["contents", "posts"],
  content: ["contentOf"],
  key: [],
  onVerdict: [],
  concurrency: [],
  keepFor: ["ttl"],
  leaveForLive: [],
  prepare: [],
  appid: [],
  deadline: ["timeout"]
} satisfies Record<keyof Options<unknown>, ReadonlyArray<string>> & Names

/** Checked options. Times are milliseconds. */
export interface Checked<A, E> extends Omit<Options<A, E>, "appid"> {
  readonly concurrency: number
  readonly keepFor: number
  readonly leaveForLive: number
  readonly prepare: boolean | ImagePreparer
  readonly deadline: number
  readonly credentials: { readonly appid?: AppId }
}

const problems: Readonly<Record<string, Help>> = {
  id: {
    en: "must be a name of up to 64 letters, digits, -, _ and ., as posts-2026",
    zh: "必须是名称，由不超过 64 个字母、数字、-、_、. 组成，如 posts-2026"
  },
  items: notASource,
  content: { en: "must be a function from an item to its content", zh: "必须是由条目得到内容的函数" },
  key: { en: "must be a function from an item to its name", zh: "必须是由条目得到名称的函数" },
  onVerdict: { en: "must be a function of an item and its verdict", zh: "必须是接收条目与审核结果的函数" },
  concurrency: { en: "must be a whole number from 1 to 1,000", zh: "必须是 1 到 1,000 的整数" },
  keepFor: notATime,
  leaveForLive: { en: "must be a number from 0 to below 1", zh: "必须是大于等于 0 且小于 1 的数" },
  prepare: notPrepare,
  appid: notAnAppId,
  deadline: notATime
}

const isMillis = (millis: number): boolean => millis > 0 && Number.isFinite(millis)
const isFunction = (u: unknown): boolean => typeof u === "function"

/** Checks the options and adds the defaults. Fails with all problems. */
export const check = <A, E>(options: Options<A, E>, defaultDeadline: number): Result.Result<Checked<A, E>, QQError> => {
  if (!isObject(options as unknown)) {
    return Result.fail(invalid([{ field: "options", problem: notAnObject(options, '{ id: "posts-2026" }') }]))
  }
  const { appid, concurrency = 16, content, id, items, key, leaveForLive = 0.2, onVerdict, prepare = true } = options
  const deadline = millisOf(options.deadline ?? defaultDeadline)
  const keepFor = millisOf(options.keepFor ?? "30 days")
  const isRight: Readonly<Record<string, boolean>> = {
    id: typeof id === "string" && /^[\w.-]{1,64}$/.test(id),
    items: isSource(items),
    content: isFunction(content),
    key: key === undefined || isFunction(key),
    onVerdict: onVerdict === undefined || isFunction(onVerdict),
    concurrency: Number.isInteger(concurrency) && concurrency >= 1 && concurrency <= 1_000,
    keepFor: isMillis(keepFor),
    leaveForLive: leaveForLive >= 0 && leaveForLive < 1,
    prepare: isPrepare(prepare),
    appid: appid === undefined || isAppId(appid),
    deadline: isMillis(deadline)
  }
  const wrong = [
    ...unknownNames(options, names, { en: "is not an option of a backfill", zh: "不是补审的选项" }).map(
      ([field, problem]): FieldProblem => ({ field, problem })
    ),
    ...Object.keys(isRight).flatMap((field) => (isRight[field] ? [] : [{ field, problem: problems[field]! }]))
  ]
  if (wrong.length > 0) return Result.fail(invalid(wrong))
  return Result.succeed({
    id,
    items,
    content,
    key,
    onVerdict,
    concurrency,
    keepFor: Math.min(keepFor, longestMillis),
    leaveForLive,
    prepare,
    deadline: Math.min(deadline, longestMillis),
    credentials: appid === undefined ? {} : { appid }
  })
}
