/**
 * QQ's published limits, and the limiter that enforces them.
 *
 * The limiter uses a rolling window: never more calls than the limit in any 60 seconds (or any day), and at least 95 %
 * of the limit under full load if QQ answers within 2 seconds. Each call takes a place. The place counts from the
 * moment it is granted until 60 seconds (or a day) after the answer, so a request that arrives late can't exceed a
 * limit. The place of a lost request counts until the request can't arrive any more. A caller that has to wait books a
 * place immediately, so waiting is fair. If the wait would be too long, the caller is refused immediately.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { millisOf, monotonicMillis } from "./internal/time.ts"
import type { CountedCall } from "./Limit.ts"
import { type Ticket, Windows } from "./quota/windows.ts"

export * from "./Limit.ts"
export type { Ticket } from "./quota/windows.ts"

/** The result of a reservation: a place now, a booking for later, or a refusal. */
export interface Place {
  /** Whether there is a place or a booking. */
  readonly granted: boolean
  /**
   * Milliseconds. If granted: 0 for a place, and for a booking the time after which to exchange it for a place. If not
   * granted: the time until a place would be free.
   */
  readonly wait: number
  /** Identifies the place or booking. */
  readonly ticket: Ticket
}

/** The options of a reservation. */
export interface Reservation {
  /** The longest wait in milliseconds. */
  readonly maxWait: number
  /** Milliseconds after which an unreported place ends, because its request can't reach QQ any more. */
  readonly ttl: number
  /** A booking to exchange for a place without queueing again. It is used up whatever the result is. */
  readonly booking?: Ticket | undefined
}

/** The error of a limiter. `problem` contains no secret. */
export class QuotaError extends Data.TaggedError("QuotaError")<{ readonly problem: string }> {
  override get message(): string {
    return `Quota: ${this.problem}`
  }
}

/** The limiter. Implement it on a shared store to enforce the limits across processes. Times are milliseconds. */
export class Quota extends Context.Service<
  Quota,
  {
    /** Atomically takes a place, or books the earliest possible one if the wait is at most `maxWait`. */
    readonly reserve: (options: CountedCall & Reservation) => Effect.Effect<Place, QuotaError>
    /**
     * Ends a place, because QQ answered its call. It makes no request to a store: it is reported with the next
     * reservation.
     */
    readonly complete: (options: CountedCall & { readonly ticket: Ticket }) => Effect.Effect<void>
    /** Returns a place or a booking for which certainly no request was sent. */
    readonly release: (options: CountedCall & { readonly ticket: Ticket }) => Effect.Effect<void, QuotaError>
    /** How many calls are allowed right now: the smallest remainder of all limits. */
    readonly remaining: (options: CountedCall) => Effect.Effect<number, QuotaError>
    /**
     * Closes the quota, because QQ refused a call for it: the limiter then grants no places for a minute. The time
     * doubles each time the quota is closed again, up to an hour.
     */
    readonly close: (options: CountedCall) => Effect.Effect<void, QuotaError>
    /** Whether the quota is closed, as far as this process knows. */
    readonly isClosed: (options: CountedCall) => Effect.Effect<boolean>
  }
>()("@qq-mini/core/Quota") {}

/** Takes or books a place in windows held in memory. `now` is in monotonic milliseconds. */
export const reserveIn = (windows: Windows, counted: CountedCall & Reservation, now: number): Place => {
  const { booking, maxWait, ttl } = counted
  if (booking !== undefined) windows.release(counted, booking)
  const wait = Math.ceil(windows.earliest(counted, now, booking !== undefined) - now)
  // Q2: no booking if the wait would be too long.
  if (wait > maxWait || wait === Infinity) return { granted: false, wait, ticket: [] }
  return {
    granted: true,
    wait,
    ticket: wait > 0 ? windows.book(counted, now + wait) : windows.take(counted, now, now + ttl)
  }
}

/** Makes a limiter in the memory of this process. */
export const makeMemory: Effect.Effect<Quota["Service"]> = Effect.sync(() => {
  const windows = new Windows()
  return Quota.of({
    reserve: (options) => Clock.clockWith((clock) => Effect.succeed(reserveIn(windows, options, millisOf(clock)))),
    complete: (options) =>
      Clock.clockWith((clock) => Effect.succeed(windows.complete(options, options.ticket, millisOf(clock)))),
    release: ({ ticket, ...counted }) => Effect.sync(() => windows.release(counted, ticket)),
    remaining: (counted) => Effect.map(monotonicMillis, (now) => windows.remaining(counted, now)),
    close: (counted) => Effect.map(monotonicMillis, (now) => windows.close(counted, now)),
    isClosed: (counted) => Effect.map(monotonicMillis, (now) => windows.isClosed(counted, now))
  })
})

/** The limiter in memory: it enforces QQ's limits within this process only. */
export const layerMemory: Layer.Layer<Quota> = Layer.effect(Quota, makeMemory)
