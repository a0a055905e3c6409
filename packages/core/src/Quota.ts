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

/** Milliseconds of a limit's window. */
export const windowMillis = { minute: 60_000, day: 86_400_000, ever: Infinity } as const

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
  }
>()("@qq-mini/core/Quota") {}

/**
 * Runs an effect in a place of its own, in its turn (`inTurn` waits for that).
 *
 * With room, the place is taken when the turn has come, and used at once. Without, the turn goes to others while this
 * caller waits for a place in the future, or fails at once with {@link QuotaReached} and the time to come back when that
 * is more than `maxWait` milliseconds away. A place whose turn comes late is given back for another.
 *
 * A limiter that fails stops nobody: QQ counts too.
 */
export const withPlace = Effect.fnUntraced(function* <A, E, TE>(
  quota: Quota["Service"],
  counted: Counted,
  maxWait: Effect.Effect<number>,
  inTurn: <B>(effect: Effect.Effect<B, E>) => Effect.Effect<B, E | TE>,
  effect: Effect.Effect<A, E>
): Effect.fn.Return<A, E | TE | QuotaReached> {
  if (!counted.limits.some((limit) => limit.keptBy === "client")) return yield* inTurn(effect)
  const reserve = (maxWait: number): Effect.Effect<Place> =>
    Effect.catch(quota.reserve({ ...counted, maxWait }), (error) =>
      Effect.as(Effect.logWarning(error.message), { granted: true, wait: 0, ticket: [] })
    )
  const nowOrNot: Effect.Effect<Option.Option<A>, E> = Effect.flatMap(reserve(0), ({ granted }) =>
    granted ? Effect.asSome(effect) : Effect.succeedNone
  )
  let result = yield* inTurn(nowOrNot)
  while (Option.isNone(result)) {
    let used = false
    result = yield* Effect.acquireUseRelease(
      Effect.flatMap(maxWait, reserve),
      (place): Effect.Effect<Option.Option<A>, E | TE | QuotaReached> => {
        if (!place.granted) return new QuotaReached({ wait: place.wait })
        return Effect.flatMap(monotonicMillis, (now) =>
          Effect.logDebug(`waiting ${place.wait} ms for the quota of ${counted.key}`).pipe(
            Effect.andThen(Effect.sleep(place.wait)),
            Effect.andThen(
              inTurn(
                Effect.flatMap(monotonicMillis, (then) => {
                  used = then <= now + place.wait + punctual
                  return used ? Effect.asSome(effect) : nowOrNot
                })
              )
            )
          )
        )
      },
      (place) =>
        used || !place.granted ? Effect.void : Effect.ignore(quota.release({ ...counted, ticket: place.ticket }))
    )
  }
  return result.value
})

// A place counts from its slot on, so it must be used about then: this late at the most, in milliseconds.
const punctual = 250

// The window is cut into slots. A place counts until its slot and two more after the window are over: one because a slot
// is only known to a slot's width, one because requests do not travel equally fast. 64/66 = 97 % of the limit is usable.
const slotsInWindow = 64
const slotsHeld = slotsInWindow + 2

class Window {
  readonly width: number
  readonly max: number
  /** Places by slot number. Reservations only ever move forward, so the last key is the newest. */
  readonly counts = new Map<number, number>()
  newest = -Infinity

  constructor(max: number, millis: number) {
    this.max = max
    this.width = millis / slotsInWindow
  }

  slot(time: number): number {
    return Math.floor(time / this.width)
  }

  used(slot: number): number {
    let sum = 0
    for (const [key, count] of this.counts) if (key > slot - slotsHeld && key <= slot) sum += count
    return sum
  }

  /** The earliest time from `time` on with room. */
  earliest(time: number): number {
    if (this.max < 1) return Infinity
    let slot = this.slot(time)
    if (this.newest <= slot && this.used(slot) < this.max) return time
    slot = Math.max(slot, this.newest)
    let used = this.used(slot)
    while (used >= this.max) {
      slot++
      used -= this.counts.get(slot - slotsHeld) ?? 0
    }
    return Math.max(time, slot * this.width)
  }

  take(time: number, now: number): number {
    const slot = this.slot(time)
    this.newest = Math.max(this.newest, slot)
    this.counts.set(slot, (this.counts.get(slot) ?? 0) + 1)
    for (const key of this.counts.keys()) {
      if (key > this.slot(now) - slotsHeld) break
      this.counts.delete(key)
    }
    return slot
  }

  giveBack(slot: number | undefined): void {
    const count = slot === undefined ? undefined : this.counts.get(slot)
    if (count === undefined) return
    if (count > 1) {
      this.counts.set(slot!, count - 1)
    } else {
      this.counts.delete(slot!)
    }
    // whoever comes next need not queue behind a place that nobody has
    this.newest = Math.max(-Infinity, ...this.counts.keys())
  }
}

/** A limiter in the memory of this process. */
export const makeMemory: Effect.Effect<Quota["Service"]> = Effect.sync(() => {
  const windows = new Map<string, Window>()
  const kept = ({ key, limits }: Counted): Array<Window> =>
    limits
      .filter((limit) => limit.keptBy === "client")
      .map((limit) => {
        const id = `${key} ${limit.max}/${limit.per}`
        let window = windows.get(id)
        if (window === undefined) {
          window = new Window(limit.max, windowMillis[limit.per])
          windows.set(id, window)
        }
        return window
      })
  return Quota.of({
    reserve: (options) =>
      Effect.map(monotonicMillis, (now) => {
        const all = kept(options)
        let time = now
        for (let moved = true; moved;) {
          moved = false
          for (const window of all) {
            const next = window.earliest(time)
            if (next > time) {
              time = next
              moved = true
            }
          }
        }
        const wait = Math.ceil(time - now)
        if (wait > options.maxWait) return { granted: false, wait, ticket: [] }
        return { granted: true, wait, ticket: all.map((window) => window.take(time, now)) }
      }),
    release: ({ ticket, ...options }) =>
      Effect.sync(() => {
        for (const [i, window] of kept(options).entries()) window.giveBack(ticket[i])
      }),
    left: (options) =>
      Effect.map(monotonicMillis, (now) =>
        Math.min(Infinity, ...kept(options).map((w) => Math.max(0, w.max - w.used(w.slot(now)))))
      )
  })
})

/** The limiter in memory: QQ's limits hold in this process. */
export const layerMemory: Layer.Layer<Quota> = Layer.effect(Quota, makeMemory)
