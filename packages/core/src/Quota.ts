/**
 * QQ's published limits, and the limiter that keeps them.
 *
 * The limiter counts in a rolling window: never more than the limit in any 60 seconds (or any day), and at least 95 % of
 * it when there is that much to do. A caller who has to wait is given a place in the future at once, so waiting is fair,
 * costs one timer, and is refused at once when it would last too long.
 */
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { monotonicMillis } from "./internal/time.ts"
import { Windows } from "./internal/windows.ts"
import { QuotaReached } from "./QQError.ts"

/** One limit of one call. */
export interface Limit {
  readonly max: number
  readonly per: "minute" | "day" | "ever"
  /** Whom QQ counts it for. */
  readonly for: "app" | "user"
  /**
   * Who keeps it: the client waits or refuses before it is passed; `qq` marks what the client can't count, because it
   * does not see the user or the past.
   */
  readonly keptBy: "client" | "qq"
}

/** So many a minute for the program. */
export const perMinute = (max: number): Limit => ({ max, per: "minute", for: "app", keptBy: "client" })
/** So many a day for the program. */
export const perDay = (max: number): Limit => ({ max, per: "day", for: "app", keptBy: "client" })
/** So many a minute or day for each user; QQ counts them. */
export const perUser = (max: number, per: "minute" | "day"): Limit => ({ max, per, for: "user", keptBy: "qq" })
/** So many in the program's whole life; QQ counts them. */
export const ever = (max: number): Limit => ({ max, per: "ever", for: "app", keptBy: "qq" })

export {
  /** Milliseconds of a limit's window. */
  windowMillis
} from "./internal/windows.ts"

/** What a reservation says: when the caller may go, or that it would be too late. */
export interface Place {
  readonly granted: boolean
  /** Milliseconds until the place (or, when not granted, until there would be one). */
  readonly wait: number
  /** What the limiter needs to take the place back. */
  readonly ticket: ReadonlyArray<number>
}

/** A limiter that could not do what it was asked. `problem` holds no secret. */
export class QuotaError extends Data.TaggedError("QuotaError")<{ readonly problem: string }> {
  override get message(): string {
    return `Quota: ${this.problem}`
  }
}

/** The limits that one key keeps: the program and the call, and what QQ publishes for it. */
export interface Counted {
  readonly key: string
  readonly limits: ReadonlyArray<Limit>
}

/** The service that counts. Implement it on a shared store to keep the limits across processes. */
export class Quota extends Context.Service<
  Quota,
  {
    /** Atomically takes the earliest place that passes no limit, unless it is more than `maxWait` milliseconds away. */
    readonly reserve: (options: Counted & { readonly maxWait: number }) => Effect.Effect<Place, QuotaError>
    /** Gives a place back that was not used. */
    readonly release: (options: Counted & { readonly ticket: ReadonlyArray<number> }) => Effect.Effect<void, QuotaError>
    /** How many may go right now: the smallest remainder of the limits. */
    readonly left: (options: Counted) => Effect.Effect<number, QuotaError>
    /**
     * QQ itself said that it was too often, which is believed over our count: no places for a minute, and for twice as
     * long whenever that was not enough, up to an hour.
     */
    readonly refused: (options: Counted) => Effect.Effect<void, QuotaError>
    /** Whether there are no places for that reason, as far as this process knows. */
    readonly isClosed: (options: Counted) => Effect.Effect<boolean>
  }
>()("@qq-mini/core/Quota") {}

/**
 * Runs an effect in a place of its own, in its turn (`inTurn` waits for that).
 *
 * With room, the place is taken when the turn has come, and used at once. Without, the turn goes to others while this
 * caller waits for a place in the future, or fails at once with {@link QuotaReached} and the time to come back when that
 * is more than `maxWait` milliseconds away. A place whose turn comes late, or after QQ refused others, is given back for
 * another. `onWait` is told the milliseconds.
 *
 * A limiter that fails stops nobody: QQ counts too.
 */
export const withPlace = Effect.fnUntraced(function* <A, E, TE>(
  quota: Quota["Service"],
  counted: Counted,
  maxWait: Effect.Effect<number>,
  inTurn: <B>(effect: Effect.Effect<B, E>) => Effect.Effect<B, E | TE>,
  effect: Effect.Effect<A, E>,
  onWait: (millis: number) => Effect.Effect<void> = () => Effect.void
): Effect.fn.Return<A, E | TE | QuotaReached> {
  if (!isKept(counted)) return yield* inTurn(effect)
  const reserve = (maxWait: number): Effect.Effect<Place> =>
    Effect.catch(quota.reserve({ ...counted, maxWait }), (error) =>
      Effect.as(Effect.logWarning(error.message), { granted: true, wait: 0, ticket: [] })
    )
  const nowOrNot: Effect.Effect<Option.Option<A>, E> = Effect.flatMap(reserve(0), ({ granted }) =>
    granted ? Effect.asSome(effect) : Effect.succeedNone
  )
  let result = yield* inTurn(nowOrNot)
  while (Option.isNone(result)) {
    let held: Place | undefined
    const giveBack = Effect.suspend(() => {
      if (held === undefined) return Effect.void
      const { ticket } = held
      held = undefined
      return Effect.ignore(quota.release({ ...counted, ticket }))
    })
    result = yield* Effect.acquireUseRelease(
      Effect.flatMap(maxWait, reserve),
      (place): Effect.Effect<Option.Option<A>, E | TE | QuotaReached> => {
        if (!place.granted) return new QuotaReached({ wait: place.wait })
        held = place
        return Effect.flatMap(monotonicMillis, (now) =>
          onWait(place.wait).pipe(
            Effect.andThen(Effect.sleep(place.wait)),
            Effect.andThen(
              inTurn(
                Effect.flatMap(Effect.zip(monotonicMillis, quota.isClosed(counted)), ([then, closed]) => {
                  if (closed || then > now + place.wait + punctual) return Effect.andThen(giveBack, nowOrNot)
                  held = undefined
                  return Effect.asSome(effect)
                })
              )
            )
          )
        )
      },
      () => giveBack
    )
  }
  return result.value
})

/** Whether a client counts for any of the limits. */
export const isKept = ({ limits }: Counted): boolean => limits.some((limit) => limit.keptBy === "client")

// A place counts from its slot on, so it must be used about then: this late at the most, in milliseconds.
const punctual = 250

/** A limiter in the memory of this process. */
export const makeMemory: Effect.Effect<Quota["Service"]> = Effect.sync(() => {
  const windows = new Windows()
  return Quota.of({
    reserve: ({ maxWait, ...counted }) =>
      Effect.map(monotonicMillis, (now) => {
        const wait = Math.ceil(windows.earliest(counted, now) - now)
        if (wait > maxWait) return { granted: false, wait, ticket: [] }
        return { granted: true, wait, ticket: windows.take(counted, now + wait, now) }
      }),
    release: ({ ticket, ...counted }) => Effect.sync(() => windows.giveBack(counted, ticket)),
    left: (counted) => Effect.map(monotonicMillis, (now) => windows.left(counted, now)),
    refused: (counted) => Effect.map(monotonicMillis, (now) => windows.refused(counted, now)),
    isClosed: (counted) => Effect.map(monotonicMillis, (now) => windows.isClosed(counted, now))
  })
})

/** The limiter in memory: QQ's limits hold in this process. */
export const layerMemory: Layer.Layer<Quota> = Layer.effect(Quota, makeMemory)
