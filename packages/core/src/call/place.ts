/** Reserves a place in the limiter for one request, and ends or returns it afterwards. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { type CountedCall, isEnforced } from "../Limit.ts"
import type { Place, Quota } from "../Quota.ts"
import type { Ticket } from "../quota/windows.ts"
import { QuotaReached } from "../reason/client.ts"

/** How a call waits for its place, and how long it holds the place. */
export interface PlaceOptions<E> {
  /** The longest wait from now, in milliseconds. */
  readonly maxWait: () => number
  /** Milliseconds from now until the request can't reach QQ any more. */
  readonly ttl: () => number
  /** How far a failed request got. By default `answered`. */
  readonly phase?: ((failure: E) => "unsent" | "lost" | "answered") | undefined
  /** Called before a wait, with its milliseconds. */
  readonly onWait?: ((millis: number) => Effect.Effect<void>) | undefined
}

// The result of a try when there is no place right now.
const full = Symbol()

// If the limiter fails, calls go on: QQ counts them too.
const grantAll = (error: Error): Effect.Effect<Place> =>
  Effect.as(Effect.logWarning(error.message), { granted: true, wait: 0, ticket: [] })

/** One place, from its reservation to its end. */
class HeldPlace<E> {
  readonly #quota: Quota["Service"]
  readonly #counted: CountedCall
  readonly #options: PlaceOptions<E>
  place: Place | undefined
  isUsed = false

  constructor(quota: Quota["Service"], counted: CountedCall, options: PlaceOptions<E>) {
    this.#quota = quota
    this.#counted = counted
    this.#options = options
  }

  get #ticket(): Ticket | undefined {
    return this.place?.granted ? this.place.ticket : undefined
  }

  /** Reserves a place, or exchanges the booking for one. Returns whether there is a place now. */
  reserve(maxWait: number): Effect.Effect<boolean> {
    const { key, limits } = this.#counted
    const asked = this.#quota.reserve({ key, limits, maxWait, ttl: this.#options.ttl(), booking: this.#ticket })
    return Effect.uninterruptible(
      Effect.map(Effect.catch(asked, grantAll), (place) => {
        this.place = place
        return place.granted && place.wait === 0
      })
    )
  }

  /** Ends or returns the place. The place of a lost request ends at its deadline, because QQ may still count it. */
  end(exit: Exit.Exit<unknown, unknown>): Effect.Effect<void> | undefined {
    const ticket = this.#ticket
    if (ticket === undefined) return undefined
    const { key, limits } = this.#counted
    const end = { key, limits, ticket }
    if (Exit.isSuccess(exit)) return this.#quota.complete(end)
    if (!this.isUsed) return Effect.ignore(this.#quota.release(end))
    const failure = Cause.findFail(exit.cause)
    if (failure._tag === "Failure") return undefined
    const phase = this.#options.phase?.(failure.success.error as E) ?? "answered"
    if (phase === "lost") return undefined
    return phase === "answered" ? this.#quota.complete(end) : Effect.ignore(this.#quota.release(end))
  }
}

/**
 * Runs an effect with a place in the limiter. `inTurn` waits until the effect may run.
 *
 * If there is a place, it is taken when the effect's turn has come, and used immediately. If not, the turn goes to
 * others while this caller waits with a booking. If the wait would be too long, it fails immediately with {@link
 * QuotaReached} and the time until a place is free. Q1: the place of a lost request is kept until its deadline, because
 * QQ may count it until then.
 */
export const withPlace = <A, E, TE>(
  quota: Quota["Service"],
  counted: CountedCall,
  options: PlaceOptions<E>,
  inTurn: <B>(effect: Effect.Effect<B, E>) => Effect.Effect<B, E | TE>,
  effect: Effect.Effect<A, E>
): Effect.Effect<A, E | TE | QuotaReached> => {
  if (!isEnforced(counted)) return inTurn(effect)
  return Effect.suspend(() => {
    const held = new HeldPlace(quota, counted, options)
    const use = Effect.suspend(() => {
      held.isUsed = true
      return effect
    })
    const useNow = (maxWait: () => number) =>
      inTurn(
        Effect.suspend(() =>
          Effect.flatMap(held.reserve(maxWait()), (now): Effect.Effect<A | typeof full, E> =>
            now ? use : Effect.succeed(full)
          )
        )
      )
    const inQueue = Effect.gen(function* (): Effect.fn.Return<A, E | TE | QuotaReached> {
      if (yield* held.reserve(options.maxWait())) return yield* inTurn(use)
      for (;;) {
        const { granted, wait } = held.place!
        // Q2: the error says how long to wait. With a limit of 0 there is never a place.
        if (!granted) return yield* new QuotaReached(Number.isFinite(wait) ? { wait } : {})
        if (options.onWait !== undefined) yield* options.onWait(wait)
        yield* Effect.sleep(wait)
        const result = yield* useNow(options.maxWait)
        if (result !== full) return result
      }
    })
    return Effect.onExitPrimitive(
      Effect.flatMap(useNow(noWait), (first): Effect.Effect<A, E | TE | QuotaReached> =>
        first === full ? inQueue : Effect.succeed(first)
      ),
      (exit) => held.end(exit)
    )
  })
}

const noWait = () => 0
