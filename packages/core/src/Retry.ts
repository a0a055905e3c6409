/**
 * The retry policy: which failures are repeated, and with which pauses.
 *
 * Reads and checks may be repeated. A send may be repeated only if it is certain that nothing was sent. If that is
 * unknown, the call fails with {@link OutcomeUnknown}. Pauses use exponential backoff with full jitter, respect QQ's
 * `Retry-After`, and never go past the deadline.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import type { Help } from "./internal/reason.ts"
import { millisOf } from "./internal/time.ts"
import { OutcomeUnknown, type Reason } from "./reason/client.ts"

/**
 * Whether a call may be repeated.
 *
 * - `repeatable`: a read or a check. It is idempotent.
 * - `once`: a second execution is visible to users (a message) or uses something up (a mini code).
 * - `singleUse`: may be repeated. But if an earlier attempt got lost, the answer "already used" may be about that
 *   attempt.
 */
export type Delivery = "repeatable" | "once" | "singleUse"

/** A failed attempt. */
export interface Failure {
  /** Why the attempt failed. */
  readonly reason: Reason
  /**
   * How far the attempt got:
   * - `unsent`: the connection was never made, so QQ did nothing.
   * - `lost`: the request had left, and its outcome is unknown.
   * - `answered`: QQ refused, or the client refused to send.
   */
  readonly phase: "unsent" | "lost" | "answered"
  /** Whether the connection timed out. Such an attempt is not counted, see {@link Policy}. */
  readonly connectTimedOut?: boolean
  /**
   * Whether the attempt may be repeated:
   * - `yes`: certainly nothing was done.
   * - `by-delivery`: something may have been done, so a call with delivery `once` is not repeated.
   * - `never`: QQ's answer is final, or the failed operation has its own retries.
   */
  readonly repeat: "yes" | "by-delivery" | "never"
  /** Whether QQ refused because of one user, so that calls for other users may go on. */
  readonly ofUser?: boolean
}

/** A final failure: QQ refused, or the client refused before anything was sent. */
export const answered = (reason: Reason): Failure => ({ reason, phase: "answered", repeat: "never" })

/** How often to repeat an attempt, and with which pauses. */
export interface Policy {
  /**
   * The total number of attempts, including the first. 1 disables retries. With more, an attempt whose connection timed
   * out is not counted, and is repeated if another such attempt fits before the deadline: a busy machine connects
   * slowly.
   */
  readonly attempts: number
  /** The upper bound of the first pause in milliseconds. It doubles with each attempt. */
  readonly firstPause: number
  /** The upper bound of every pause in milliseconds. */
  readonly maxPause: number
}

/**
 * The retry budget of a client: one retry for every ten calls and one a second, with at most 100 saved. A short outage
 * of QQ is bridged. In a long one, the client makes little more than one attempt for each call.
 */
export class Budget {
  static readonly max = 100
  static readonly perCall = 0.1
  static readonly perSecond = 1
  #saved = Budget.max
  #at = -Infinity

  /** Adds to the budget for a call that is made at `now`, in milliseconds. */
  earn(now: number): void {
    const since = this.#at === -Infinity ? 0 : (now - this.#at) / 1_000
    this.#at = now
    this.#saved = Math.min(Budget.max, this.#saved + Budget.perCall + since * Budget.perSecond)
  }

  /** Takes one retry. Returns `false` if there is none. */
  take(): boolean {
    if (this.#saved < 1) return false
    this.#saved--
    return true
  }
}

/** The default policy: 3 attempts, with pauses of up to 200 ms, then up to 400 ms, and never above 5 s. */
export const defaultPolicy: Policy = { attempts: 3, firstPause: 200, maxPause: 5_000 }

// D1
const mayRepeat = (delivery: Delivery, { repeat }: Failure): boolean =>
  repeat === "yes" || (repeat === "by-delivery" && delivery !== "once")

/** D2: the reason for the caller when the attempt is not repeated any more. */
const final = (
  { delivery, ifUnknown }: { readonly delivery: Delivery; readonly ifUnknown?: Help | undefined },
  { phase, reason }: Failure,
  lostBefore: boolean
): Reason =>
  delivery === "repeatable" || !(phase === "lost" || lostBefore) || reason._tag === "OutcomeUnknown"
    ? reason
    : new OutcomeUnknown({ because: reason, ...(ifUnknown === undefined ? {} : { meaning: ifUnknown }) })

/** Repeats an attempt until it succeeds, fails finally, or the deadline (in monotonic milliseconds) is too close. */
export const run = <A>(
  attempt: Effect.Effect<A, Failure>,
  options: {
    readonly delivery: Delivery
    /** The meaning of an unknown outcome for this call, in the error. */
    readonly ifUnknown?: Help | undefined
    readonly deadline: number
    readonly policy: Policy
    /** The retry budget that all calls of a client share. Without one, retries are not limited by a budget. */
    readonly budget?: Budget | undefined
  }
): Effect.Effect<A, Reason> =>
  Clock.clockWith((clock) => {
    const { budget, deadline, delivery, policy } = options
    let began = millisOf(clock)
    budget?.earn(began)
    let lostBefore = false
    let counted = 0
    let n = 0

    /** Waits until the attempt may be repeated. Fails if it must not be repeated. */
    const pause = (failure: Failure) =>
      Effect.gen(function* (): Effect.fn.Return<void, Reason> {
        const { attempts, firstPause, maxPause } = policy
        const { connectTimedOut = false, phase, reason } = failure
        n++
        if (!connectTimedOut || attempts === 1) counted++
        const mayGoOn = counted < attempts && mayRepeat(delivery, failure)
        const last = final(options, failure, lostBefore)
        if (!mayGoOn) return yield* last
        lostBefore ||= phase === "lost"
        const jitter = (yield* Random.next) * Math.min(maxPause, firstPause * 2 ** (n - 1))
        const millis = Math.max(reason._tag === "UnreadableAnswer" ? (reason.wait ?? 0) : 0, jitter)
        // D3: no pause goes past the deadline. D2: if the deadline cut an attempt off while it connects, it would be
        // unknown whether the request was sent.
        const now = millisOf(clock)
        const needed = connectTimedOut ? now - began : 0
        if (now + millis + needed >= deadline || budget?.take() === false) return yield* last
        yield* Effect.logDebug(`attempt ${n} failed (${reason._tag}), next in ${Math.ceil(millis)} ms`)
        yield* Effect.sleep(millis)
        began = millisOf(clock)
      })
    const again = (failure: Failure): Effect.Effect<A, Reason> =>
      Effect.flatMap(pause(failure), () => Effect.catch(attempt, again))
    return Effect.catch(attempt, again)
  })
