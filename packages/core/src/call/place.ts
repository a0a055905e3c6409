/** A place in the limiter for one request: taken, used and given back. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { type Counted, isKept } from "../Limit.ts"
import type { Place, Quota } from "../Quota.ts"
import type { Ticket } from "../quota/windows.ts"
import { QuotaReached } from "../reason/client.ts"

/** How long a call may wait for its place and keep it, and who hears of it. */
export interface Waiting<E> {
  /** The longest wait from now on, in milliseconds. */
  readonly maxWait: () => number
  /** Milliseconds from now on until the request can't reach QQ any more. */
  readonly hold: () => number
  /** How far a call that failed came. By default `answered`. */
  readonly phase?: ((failure: E) => "unsent" | "lost" | "answered") | undefined
  /** Hears the milliseconds of a wait. */
  readonly onWait?: ((millis: number) => Effect.Effect<void>) | undefined
}

// What is said instead of an answer where there is no place at once.
const full = Symbol()

// A limiter that fails stops nobody: QQ counts too.
const grantAll = (error: Error): Effect.Effect<Place> =>
  Effect.as(Effect.logWarning(error.message), { granted: true, wait: 0, ticket: [] })

/** A place, from its reservation to its end. */
class Visit<E> {
  readonly #quota: Quota["Service"]
  readonly #counted: Counted
  readonly #waiting: Waiting<E>
  place: Place | undefined
  isUsed = false

  constructor(quota: Quota["Service"], counted: Counted, waiting: Waiting<E>) {
    this.#quota = quota
    this.#counted = counted
    this.#waiting = waiting
  }

  get #ticket(): Ticket | undefined {
    return this.place?.granted ? this.place.ticket : undefined
  }

  /** Asks for a place, or for the one that is booked; says whether it is there now. */
  ask(maxWait: number): Effect.Effect<boolean> {
    const { key, limits } = this.#counted
    const asked = this.#quota.reserve({ key, limits, maxWait, hold: this.#waiting.hold(), instead: this.#ticket })
    return Effect.uninterruptible(
      Effect.map(Effect.catch(asked, grantAll), (place) => {
        this.place = place
        return place.granted && place.wait === 0
      })
    )
  }

  /** Gives the place back, unless its request got lost: QQ may count that until its time is over. */
  end(exit: Exit.Exit<unknown, unknown>): Effect.Effect<void> | undefined {
    const ticket = this.#ticket
    if (ticket === undefined) return undefined
    const { key, limits } = this.#counted
    const end = { key, limits, ticket }
    if (Exit.isSuccess(exit)) return this.#quota.complete(end)
    if (!this.isUsed) return Effect.ignore(this.#quota.release(end))
    const failure = Cause.findFail(exit.cause)
    if (failure._tag === "Failure") return undefined
    const came = this.#waiting.phase?.(failure.success.error as E) ?? "answered"
    if (came === "lost") return undefined
    return came === "answered" ? this.#quota.complete(end) : Effect.ignore(this.#quota.release(end))
  }
}

/**
 * Runs an effect in a place of its own, in its turn (`inTurn` waits for that).
 *
 * With room, the place is taken when the turn has come, and used at once. Without, the turn goes to others while this
 * caller waits with a booking, or fails at once with {@link QuotaReached} and the time to come back when that would be too
 * late. Q1: a place whose call got lost on its way is kept until its deadline, since QQ may count it until then.
 */
export const withPlace = <A, E, TE>(
  quota: Quota["Service"],
  counted: Counted,
  waiting: Waiting<E>,
  inTurn: <B>(effect: Effect.Effect<B, E>) => Effect.Effect<B, E | TE>,
  effect: Effect.Effect<A, E>
): Effect.Effect<A, E | TE | QuotaReached> => {
  if (!isKept(counted)) return inTurn(effect)
  return Effect.suspend(() => {
    const visit = new Visit(quota, counted, waiting)
    const use = Effect.suspend(() => {
      visit.isUsed = true
      return effect
    })
    const useNow = (maxWait: () => number) =>
      inTurn(
        Effect.suspend(() =>
          Effect.flatMap(visit.ask(maxWait()), (now): Effect.Effect<A | typeof full, E> =>
            now ? use : Effect.succeed(full)
          )
        )
      )
    const inQueue = Effect.gen(function* (): Effect.fn.Return<A, E | TE | QuotaReached> {
      if (yield* visit.ask(waiting.maxWait())) return yield* inTurn(use)
      for (;;) {
        const { granted, wait } = visit.place!
        // Q2: with the time to come back. There may never be a place.
        if (!granted) return yield* new QuotaReached(Number.isFinite(wait) ? { wait } : {})
        if (waiting.onWait !== undefined) yield* waiting.onWait(wait)
        yield* Effect.sleep(wait)
        const result = yield* useNow(waiting.maxWait)
        if (result !== full) return result
      }
    })
    return Effect.onExitPrimitive(
      Effect.flatMap(useNow(noWait), (first): Effect.Effect<A, E | TE | QuotaReached> =>
        first === full ? inQueue : Effect.succeed(first)
      ),
      (exit) => visit.end(exit)
    )
  })
}

const noWait = () => 0
