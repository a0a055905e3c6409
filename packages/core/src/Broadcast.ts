/**
 * Broadcasts: one subscription message to each of many recipients, over hours, by one process or many, through crashes.
 *
 * Each recipient is sent to at most once. The `SendLedger` remembers what became of everybody: a recipient is claimed
 * before the request leaves. If a process dies in between, the recipient is `unknown`, and only `resendUnknown` sends
 * again. The chunks of recipients go to the workers through a `PersistedQueue` of Effect.
 *
 * ```ts
 * const broadcast = yield* Broadcast.make({
 *   id: "autumn-2026",
 *   template_id: "…",
 *   recipients: users, // { openid, keyword1, keyword2 }
 *   quietHours: { from: "22:00", to: "08:00" }
 * })
 * const result = yield* broadcast.run
 * ```
 *
 * The stores must be the same for all processes: on one machine files (`@qq-mini/node/NodeBroadcast`), on many Redis.
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as PersistedQueue from "effect/persistence/PersistedQueue"
import * as Random from "effect/Random"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import { empty } from "./broadcast/document.ts"
import { check, invalid, type Options } from "./broadcast/options.ts"
import { documentOf, isOver, makeRated, notBegun, type Progress, progressOf } from "./broadcast/progress.ts"
import { runQueued } from "./broadcast/queued.ts"
import * as Work from "./broadcast/work.ts"
import type { SourceError } from "./bulk/source.ts"
import { millisOf, notATime } from "./call/options.ts"
import { QQMini } from "./call/service.ts"
import { monotonicMillis } from "./internal/time.ts"
import type { Entry } from "./ledger/types.ts"
import { Quota } from "./Quota.ts"
import { StoreFailed } from "./reason/client.ts"
import { QQError } from "./reason/error.ts"
import { SendLedger, type SendLedgerError } from "./SendLedger.ts"
import { Observe } from "./telemetry/observe.ts"

export type { BadRow } from "./broadcast/document.ts"
export type { RecipientMessage } from "./broadcast/message.ts"
export type { Options, Rate } from "./broadcast/options.ts"
export type { Progress } from "./broadcast/progress.ts"
export type { QuietHours } from "./broadcast/quietHours.ts"
export {
  /** A row of a source that numbers its lines itself. */
  Row,
  /** Reading the recipients failed. */
  SourceError
} from "./bulk/source.ts"
export type { Source as Recipients, Rows } from "./bulk/source.ts"

/** A broadcast that is made in steps, for cloud functions and timers. It needs no queue. */
export interface Steps<E = never> {
  readonly id: string
  /**
   * Works for at most `budget`. Call it again until the state is `finished`: each step goes on where the last one ended, or
   * was killed. It ends early if the broadcast is paused, or if no message may be sent before its end, for example in the
   * quiet hours. In the last quarter, or less, no message is begun. Steps at the same time share a chunk of recipients.
   */
  readonly step: (options: { readonly budget: Duration.Input }) => Effect.Effect<Progress, QQError | E | SourceError>
  /** Checks every row and finds duplicates, without sending anything. */
  readonly dryRun: Effect.Effect<Progress, QQError | E | SourceError>
  /** How far the broadcast is, over all processes. */
  readonly progress: Effect.Effect<Progress, QQError>
  /** Pauses the broadcast in all processes: no more messages are begun. Returns whether it was running. */
  readonly pause: Effect.Effect<boolean, QQError>
  /** Goes on after a pause. Returns whether it was paused. */
  readonly resume: Effect.Effect<boolean, QQError>
  /** Ends the broadcast for good. Returns whether it was not cancelled before. */
  readonly cancel: Effect.Effect<boolean, QQError>
  /**
   * Sends again to everybody whose outcome is `unknown`. Some may get the message twice: QQ may have sent it the first
   * time. Nothing else ever sends twice.
   */
  readonly resendUnknown: Effect.Effect<Progress, QQError>
  /** Forgets the broadcast and its recipients. Under the same `id` everybody would get the message again. */
  readonly remove: Effect.Effect<void, QQError>
}

/** A broadcast. Every process that makes one with the same `id` and stores works on the same. */
export interface Broadcast<E = never> extends Steps<E> {
  /**
   * Loads the recipients and sends, until every recipient has a result or the broadcast is cancelled. While it is paused,
   * it waits. Run again after a crash, it goes on where it was. If it is interrupted, it begins no more messages and waits
   * for those on their way. A `step` of a broadcast that `run` has begun takes its recipients from the queue.
   */
  readonly run: Effect.Effect<Progress, QQError | E | SourceError>
  /** The progress, now and whenever the interval has passed (by default a second), with the rate. Ends with the broadcast. */
  readonly changes: (interval?: Duration.Input) => Stream.Stream<Progress, QQError>
}

const failed = (reason: ConstructorParameters<typeof StoreFailed>[0]): QQError =>
  new QQError({ endpoint: "broadcast", app: undefined, reason: new StoreFailed(reason) })

const orFailed = <A>(effect: Effect.Effect<A, SendLedgerError>): Effect.Effect<A, QQError> =>
  Effect.mapError(effect, ({ operation, problem }) => failed({ operation: `ledger.${operation}`, problem }))

const unknownId = invalid([
  {
    field: "id",
    problem: {
      en: "is not known in this store. Begin the broadcast with its recipients first",
      zh: "在该存储中不存在。请先带上接收者开始群发"
    }
  }
])

// A step uses at most this part of its budget for the last messages.
const lastPart = 1 / 4

const partsOf = Effect.fnUntraced(function* <A, E>(options: Options<A, E>) {
  const parts: Work.Parts<A, E> = {
    options: yield* check(options),
    store: yield* SendLedger,
    client: yield* Effect.context<QQMini>(),
    quota: yield* Quota,
    observed: (yield* Observe)("broadcast", (work) => work)
  }
  return parts
})

const ofAnother = (appid: string) =>
  invalid([
    {
      field: "appid",
      problem: {
        en: `is not that of the program that began this broadcast (${appid}). Give another id`,
        zh: `与开始该群发的程序（${appid}）不同。请换一个 id`
      }
    }
  ])

const beginOf =
  <A, E>({ options: { appid, chunkSize, recipients, shared }, store }: Work.Parts<A, E>) =>
  (name: string, isQueued: boolean): Effect.Effect<Entry, QQError> => {
    const begun =
      recipients === undefined
        ? known(store, name)
        : orFailed(store.create(name, JSON.stringify(empty(chunkSize, isQueued, { appid, shared }))))
    return Effect.flatMap(begun, (entry) => {
      const { appid: first = appid } = documentOf(entry)
      return appid === undefined || first === appid ? Effect.succeed(entry) : Effect.fail(ofAnother(first!))
    })
  }

const known = (store: SendLedger["Service"], name: string): Effect.Effect<Entry, QQError> =>
  Effect.flatMap(orFailed(store.read(name)), (entry) =>
    entry === undefined ? Effect.fail(unknownId) : Effect.succeed(entry)
  )

const stepsOf = <A, E>(parts: Work.Parts<A, E>): Steps<E> => {
  const { options, store } = parts
  const { deadline, id, recipients } = options
  const begin = beginOf(parts)
  const progress = Effect.catch(
    Effect.map(known(store, id), (entry) => progressOf(id, entry)),
    // A broadcast with recipients may not have begun yet.
    (error) => (error === unknownId && recipients !== undefined ? Effect.succeed(notBegun(id)) : Effect.fail(error))
  )
  const control = (from: ReadonlyArray<Entry["control"]>, to: Entry["control"]) =>
    Effect.andThen(known(store, id), orFailed(store.control(id, { from, to, why: "" })))

  return {
    id,
    step: ({ budget } = { budget: NaN }) =>
      Effect.gen(function* () {
        const millis = millisOf(budget)
        if (!(millis > 0)) return yield* invalid([{ field: "budget", problem: notATime }])
        const last = Math.min(deadline, millis * lastPart)
        const work = Work.run(parts, yield* begin(id, false), {
          deadline: last,
          waitsForResume: false,
          haltAfter: Number.isFinite(millis) ? millis - last : undefined
        })
        return yield* parts.observed(Effect.andThen(work, progress), progress)
      }),
    dryRun: Effect.gen(function* () {
      // A name of its own, since several processes may check at once.
      const name = `${id}~${yield* Random.nextIntBetween(0, 2 ** 48)}`
      const remove = orFailed(store.remove(name))
      yield* begin(name, false)
      return yield* Effect.ensuring(
        Effect.andThen(
          Work.dryRun(parts, name),
          Effect.map(known(store, name), (entry) => progressOf(id, entry))
        ),
        Effect.ignore(remove)
      )
    }),
    progress,
    pause: control(["running"], "paused"),
    resume: control(["paused"], "running"),
    cancel: control(["running", "paused"], "cancelled"),
    resendUnknown: Effect.gen(function* () {
      const entry = yield* known(store, id)
      // One that was paused after its last message is finished, and nobody would resume it.
      if (isOver(progressOf(id, entry))) yield* control(["paused"], "running")
      yield* Work.resendUnknown(parts, entry, { deadline, waitsForResume: true })
      return yield* progress
    }),
    remove: orFailed(store.remove(id))
  }
}

/**
 * Makes a broadcast for cloud functions and timers, without a queue: call its `step` again until it is finished.
 *
 * ```ts
 * // A Worker with a Cron trigger, and a Durable Object that remembers who has got the message.
 * scheduled: (controller, env) =>
 *   Broadcast.makeSteps({ id: "autumn-2026", template_id: "…", recipients }).pipe(
 *     Effect.flatMap(({ step }) => step({ budget: "25 seconds" })),
 *     Effect.provide([EdgeQQMini.layer({ env }), DurableObjectSendLedger.layer(env.QQ_BROADCASTS), Quota.layerMemory]),
 *     Effect.runPromise
 *   )
 * ```
 *
 * Nothing is sent or stored before a step. Fails with `InvalidInput` if an option is wrong.
 */
export const makeSteps = <A, E = never>(
  options: Options<A, E>
): Effect.Effect<Steps<E>, QQError, QQMini | SendLedger | Quota> => Effect.map(partsOf(options), stepsOf)

/** Makes a broadcast. Nothing is sent or stored before it is run. Fails with `InvalidInput` if an option is wrong. */
export const make = <A, E = never>(
  options: Options<A, E>
): Effect.Effect<Broadcast<E>, QQError, QQMini | SendLedger | Quota | PersistedQueue.PersistedQueueFactory> =>
  Effect.gen(function* () {
    const queues = yield* PersistedQueue.PersistedQueueFactory
    const withoutQueue = yield* partsOf(options)
    const parts: Work.Parts<A, E> = { ...withoutQueue, runQueued: (session) => runQueued(queues, session) }
    const { deadline, id } = parts.options
    const steps = stepsOf(parts)
    return {
      ...steps,
      run: Effect.gen(function* () {
        const work = Work.run(parts, yield* beginOf(parts)(id, true), { deadline, waitsForResume: true })
        return yield* parts.observed(Effect.andThen(work, steps.progress), steps.progress)
      }),
      changes: (interval = "1 second") =>
        Stream.suspend(() => {
          const withRate = makeRated()
          return Stream.fromEffectSchedule(
            Effect.flatMap(steps.progress, (now) => Effect.map(monotonicMillis, (at) => withRate(now, at))),
            Schedule.spaced(interval)
          ).pipe(Stream.takeUntil(isOver))
        })
    }
  })
