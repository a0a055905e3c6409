/**
 * QQ's published limits, and the limiter that keeps them.
 *
 * The limiter counts in a rolling window: never more than the limit in any 60 seconds (or any day), and at least 95 % of
 * it when there is that much to do and QQ answers in 2 seconds. A place counts from its granting until 60 seconds (or a
 * day) after its answer came, so a request that is late on its way passes no limit. One
 * that got lost counts until it can't arrive any more. A caller who has to wait books a place
 * at once, so waiting is fair, and is refused at once when it would last too long.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { millisOf, monotonicMillis } from "./internal/time.ts"
import type { Counted } from "./Limit.ts"
import { type Ticket, Windows } from "./quota/windows.ts"

export * from "./Limit.ts"
export type { Ticket } from "./quota/windows.ts"

/** What a reservation says: a place now, a booking for later, or that it would be too late. */
export interface Place {
  readonly granted: boolean
  /**
   * 0: the place is taken. More: it is booked, and is to be exchanged for a place after so many milliseconds. When not
   * granted: how many milliseconds until there would be one.
   */
  readonly wait: number
  readonly ticket: Ticket
}

/** How a reservation is made. */
export interface Reservation {
  /** The longest wait in milliseconds. */
  readonly maxWait: number
  /** Milliseconds after which the place ends, if nobody says so before: when the request can't reach QQ any more. */
  readonly hold: number
  /** A booking that is exchanged for a place; its holder need not queue again. It is gone whatever the answer is. */
  readonly instead?: Ticket | undefined
}

/** A limiter that could not do what it was asked. `problem` holds no secret. */
export class QuotaError extends Data.TaggedError("QuotaError")<{ readonly problem: string }> {
  override get message(): string {
    return `Quota: ${this.problem}`
  }
}

/** The service that counts. Implement it on a shared store to keep the limits across processes. */
export class Quota extends Context.Service<
  Quota,
  {
    /** Atomically takes a place now, or books the earliest that passes no limit, unless that is too far away. */
    readonly reserve: (options: Counted & Reservation) => Effect.Effect<Place, QuotaError>
    /**
     * Says that the call of a place was answered, so that it ends. Costs nothing of a store's time: it travels with the next
     * reservation.
     */
    readonly complete: (options: Counted & { readonly ticket: Ticket }) => Effect.Effect<void>
    /** Gives a place or a booking back for which certainly nothing was sent. */
    readonly release: (options: Counted & { readonly ticket: Ticket }) => Effect.Effect<void, QuotaError>
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

/** Takes a place of these windows, or books one. */
export const reserveIn = (windows: Windows, counted: Counted & Reservation, now: number): Place => {
  const { hold, instead, maxWait } = counted
  if (instead !== undefined) windows.giveBack(counted, instead)
  const wait = Math.ceil(windows.earliest(counted, now, instead !== undefined) - now)
  // Q2: no booking that would be too late
  if (wait > maxWait || wait === Infinity) return { granted: false, wait, ticket: [] }
  return {
    granted: true,
    wait,
    ticket: wait > 0 ? windows.book(counted, now + wait) : windows.take(counted, now, now + hold)
  }
}

/** A limiter in the memory of this process. */
export const makeMemory: Effect.Effect<Quota["Service"]> = Effect.sync(() => {
  const windows = new Windows()
  return Quota.of({
    reserve: (options) => Clock.clockWith((clock) => Effect.succeed(reserveIn(windows, options, millisOf(clock)))),
    complete: (options) =>
      Clock.clockWith((clock) => Effect.succeed(windows.end(options, options.ticket, millisOf(clock)))),
    release: ({ ticket, ...counted }) => Effect.sync(() => windows.giveBack(counted, ticket)),
    left: (counted) => Effect.map(monotonicMillis, (now) => windows.left(counted, now)),
    refused: (counted) => Effect.map(monotonicMillis, (now) => windows.refused(counted, now)),
    isClosed: (counted) => Effect.map(monotonicMillis, (now) => windows.isClosed(counted, now))
  })
})

/** The limiter in memory: QQ's limits hold in this process. */
export const layerMemory: Layer.Layer<Quota> = Layer.effect(Quota, makeMemory)
