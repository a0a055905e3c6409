/**
 * Backfills: a backlog of texts and images, checked in the background.
 *
 * - Live checks come first: a backfill makes a request only while more than a fifth of QQ's quota is left.
 * - The same content is checked once. Its verdict is kept in the `VerdictStore`, by its hash, for 30 days.
 * - It goes on after a crash, and several processes share the work, if they share the store: on one machine a file
 *   (`@qq-mini/node/SqliteVerdictStore`), on many Redis (`RedisVerdictStore`). They must share the `Quota` too.
 *
 * ```ts
 * const backfill = yield* Moderation.backfill({
 *   id: "avatars-2026",
 *   items: users,
 *   content: (user) => readAvatar(user).then((image) => ({ image })),
 *   key: (user) => user.id,
 *   onVerdict: (user, { verdict }) => (verdict === "risky" ? hideAvatar(user) : undefined)
 * })
 * const result = yield* backfill.run
 * ```
 */
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import { makeRate } from "./bulk/rate.ts"
import type { SourceError } from "./bulk/source.ts"
import { millisOf, notATime } from "./call/options.ts"
import { QQMini } from "./call/service.ts"
import { Settings } from "./internal/settings.ts"
import { monotonicMillis } from "./internal/time.ts"
import type { FunctionFailed } from "./moderation/content.ts"
import { invalid } from "./moderation/invalid.ts"
import { Kept } from "./moderation/kept.ts"
import { check, type Options } from "./moderation/options.ts"
import { doneIn, type Part, type Progress, sumOf } from "./moderation/progress.ts"
import { run as work } from "./moderation/work.ts"
import { StoreFailed } from "./reason/client.ts"
import { QQError } from "./reason/error.ts"
import { VerdictStore } from "./VerdictStore.ts"

export {
  /** A row of a source that numbers its lines itself. */
  Row,
  /** Reading the items failed. */
  SourceError
} from "./bulk/source.ts"
export type { Rows, Source as Items } from "./bulk/source.ts"
export {
  /** A function of the app failed. */
  FunctionFailed
} from "./moderation/content.ts"
export type { Content } from "./moderation/content.ts"
export type { Options } from "./moderation/options.ts"
export type { Counts, Failure, Progress, Verdict } from "./moderation/progress.ts"

/** A backfill. Every process that makes one with the same `id` and stores works on the same. */
export interface Backfill<E = never> {
  readonly id: string
  /**
   * Goes through the items until each has a verdict or has failed. While QQ's quota is used up, it waits. Run again after a
   * crash, it goes on where it was; run again after its end, it goes on with new items. If it is interrupted, it begins no
   * more checks and waits for those on their way.
   *
   * An item that can't be read or checked is tried several times and then counted as `failed`. What no check would survive
   * ends the run with its error: a wrong AppSecret, an unknown program, a wrong setting.
   */
  readonly run: Effect.Effect<Progress, QQError | E | SourceError | FunctionFailed>
  /** Works for at most `budget`, for cloud functions and timers. Call it again until the state is `finished`. */
  readonly step: (options: {
    readonly budget: Duration.Input
  }) => Effect.Effect<Progress, QQError | E | SourceError | FunctionFailed>
  /** How far the backfill is. */
  readonly progress: Effect.Effect<Progress, QQError>
  /** The progress, now and whenever the interval has passed (by default a second), with the rate. Ends when it is finished. */
  readonly changes: (interval?: Duration.Input) => Stream.Stream<Progress, QQError>
  /** Pauses the work of this process: no more checks are begun. */
  readonly pause: Effect.Effect<void>
  /** Goes on after a pause. */
  readonly resume: Effect.Effect<void>
}

// A step uses at most this part of its budget for the last checks.
const lastPart = 1 / 4

/** C1: what a sandbox said of a content says nothing of what QQ will say, so each platform has its own keys. */
const ofPlatform = (store: VerdictStore["Service"], baseUrl: string): VerdictStore["Service"] => {
  if (baseUrl === Settings.defaultValue().baseUrl) return store
  const own = (key: string) => `${baseUrl} ${key}`
  return {
    get: (key) => store.get(own(key)),
    claim: (key, options) => store.claim(own(key), options),
    put: (key, options) => store.put(own(key), options),
    release: (key, options) => store.release(own(key), options)
  }
}

/** Makes a backfill. Nothing is read or checked before it is run. Fails with `InvalidInput` if an option is wrong. */
export const backfill = Effect.fnUntraced(function* <A, E = never>(
  options: Options<A, E>
): Effect.fn.Return<Backfill<E>, QQError, QQMini | VerdictStore> {
  const context = yield* Effect.context<QQMini>()
  const { baseUrl, deadline: defaultDeadline } = Context.get(context, QQMini).settings ?? (yield* Settings)
  const checked = yield* Effect.fromResult(check(options, defaultDeadline))
  const { credentials, deadline, id, items, keepFor } = checked
  const kept = new Kept(ofPlatform(yield* VerdictStore, baseUrl), id, keepFor)
  const running = Latch.makeUnsafe(true)
  const begun = new Map<number, Part>()
  let working = 0

  const runFor = (haltAfter?: number) =>
    Effect.suspend(() => {
      working++
      return work(
        { options: checked, context, kept, running, begun },
        { haltAfter, waitsForOthers: haltAfter === undefined }
      )
    }).pipe(Effect.ensuring(Effect.sync(() => working--)))

  const progress = Effect.gen(function* () {
    yield* kept.refresh
    const read = yield* kept.total
    const {
      digest: _,
      items: itemsRead,
      ...counts
    } = sumOf([...kept.parts.values(), ...[...begun].flatMap(([n, part]) => (kept.parts.has(n) ? [] : [part]))])
    const done = doneIn(counts)
    const total = Array.isArray(items) ? items.length : read
    const isFinished = read !== undefined && done >= Math.max(read, total ?? 0)
    const state = working === 0 ? (isFinished ? "finished" : "stopped") : running.isOpen() ? "running" : "paused"
    const now: Progress = { id, state, read: itemsRead, done, ...counts, total }
    return now
  }).pipe(
    Effect.mapError(({ operation, problem }) => {
      const reason = new StoreFailed({ operation: `verdicts.${operation}`, problem })
      return new QQError({ endpoint: "moderation.backfill", app: credentials.appid, reason })
    })
  )

  return {
    id,
    run: Effect.andThen(runFor(), progress),
    step: ({ budget }) =>
      Effect.suspend(() => {
        const millis = millisOf(budget)
        if (!(millis > 0 && Number.isFinite(millis))) {
          return Effect.fail(invalid([{ field: "budget", problem: notATime }]))
        }
        return Effect.andThen(runFor(millis - Math.min(deadline, millis * lastPart)), progress)
      }),
    progress,
    changes: (interval = "1 second") =>
      Stream.suspend(() => {
        const rateOf = makeRate()
        const withRate = (now: Progress, at: number): Progress => {
          const rate = rateOf(now.done, at)
          if (rate === undefined) return now
          const { done, total } = now
          return { ...now, rate, ...(total !== undefined && { timeLeft: (Math.max(0, total - done) / rate) * 1_000 }) }
        }
        return Stream.fromEffectSchedule(
          Effect.flatMap(progress, (now) => Effect.map(monotonicMillis, (at) => withRate(now, at))),
          Schedule.spaced(interval)
        ).pipe(Stream.takeUntil(({ state }) => state === "finished"))
      }),
    pause: Effect.asVoid(running.close),
    resume: Effect.asVoid(running.open)
  }
})
