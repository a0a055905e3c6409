/**
 * What may be repeated, when, how often and until when.
 *
 * Reads and checks may be repeated. A send may not, unless it is certain that nothing was sent; when that can't be known
 * the caller gets {@link OutcomeUnknown}. Pauses have full jitter, honour QQ's `Retry-After`, and end with the deadline.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import { millisOf } from "./internal/time.ts"
import { OutcomeUnknown, type Reason } from "./reason/client.ts"

/**
 * - `repeatable`: a read or a check; doing it twice changes nothing.
 * - `once`: doing it twice is visible to people (a message) or spends something (a mini code).
 * - `singleUse`: may be repeated, but when an earlier attempt got lost, "used already" may mean that one.
 */
export type Delivery = "repeatable" | "once" | "singleUse"

/** One failed attempt: why, and how far it came. */
export interface Failure {
  readonly reason: Reason
  /**
   * - `unsent`: the connection was never made, so nothing happened.
   * - `lost`: it was on its way, and what came of it is not known.
   * - `answered`: QQ said no, or the client refused to send.
   */
  readonly phase: "unsent" | "lost" | "answered"
  /** Whether connecting took too long. Such an attempt does not count, see {@link Policy}. */
  readonly connectTimedOut?: boolean
  /**
   * Whether it may be repeated, said where the failure is made:
   * - `yes`: certainly nothing was done.
   * - `by-delivery`: something may have been done, so a call that is `once` is not repeated.
   * - `never`: QQ's word is final, or what failed was repeated already.
   */
  readonly repeat: "yes" | "by-delivery" | "never"
}

/** A failure that is final: QQ said no, or the client did before anything was sent. */
export const answered = (reason: Reason): Failure => ({ reason, phase: "answered", repeat: "never" })

/** How often and how slowly to repeat. */
export interface Policy {
  /**
   * Attempts in all, the first one included. 1 switches repeating off. With more, connecting that timed out is not counted
   * but repeated while a whole try fits before the deadline: a machine that is busy connects late.
   */
  readonly attempts: number
  /** The longest first pause in milliseconds; it doubles with each attempt. */
  readonly base: number
  /** The longest pause in milliseconds. */
  readonly cap: number
}

/**
 * How many repeats a client has: one for every ten calls and one a second, of which it saves up to 100. So an outage of
 * QQ is answered with little more than one attempt a call, and a short one is bridged.
 */
export class Budget {
  static readonly most = 100
  static readonly perCall = 0.1
  static readonly perSecond = 1
  #left = Budget.most
  #at = -Infinity

  /** A call is made at this time, in milliseconds. */
  earn(now: number): void {
    const since = this.#at === -Infinity ? 0 : (now - this.#at) / 1_000
    this.#at = now
    this.#left = Math.min(Budget.most, this.#left + Budget.perCall + since * Budget.perSecond)
  }

  /** Takes one repeat, if there is one. */
  take(): boolean {
    if (this.#left < 1) return false
    this.#left--
    return true
  }
}

/** 3 attempts, with pauses of up to 200 ms, then 400 ms, and never above 5 s. */
export const defaultPolicy: Policy = { attempts: 3, base: 200, cap: 5_000 }

// D1
const mayRepeat = (delivery: Delivery, { repeat }: Failure): boolean =>
  repeat === "yes" || (repeat === "by-delivery" && delivery !== "once")

/** D2: the reason a caller sees for a failure after which nothing is tried any more. */
const final = (delivery: Delivery, { phase, reason }: Failure, lostBefore: boolean): Reason =>
  delivery === "repeatable" || !(phase === "lost" || lostBefore) || reason._tag === "OutcomeUnknown"
    ? reason
    : new OutcomeUnknown({ because: reason })

/** Runs an attempt until it succeeds, fails for good, or the deadline (in monotonic milliseconds) is near. */
export const run = <A>(
  attempt: Effect.Effect<A, Failure>,
  options: {
    readonly delivery: Delivery
    readonly deadline: number
    readonly policy: Policy
    /** What all calls of a client repeat from. Without one nothing is counted. */
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

    /** Waits until the attempt may be repeated, or fails. */
    const pause = (failure: Failure) =>
      Effect.gen(function* (): Effect.fn.Return<void, Reason> {
        const { attempts, base, cap } = policy
        const { connectTimedOut = false, phase, reason } = failure
        n++
        if (!connectTimedOut || attempts === 1) counted++
        const mayGoOn = counted < attempts && mayRepeat(delivery, failure)
        const last = final(delivery, failure, lostBefore)
        if (!mayGoOn) return yield* last
        lostBefore ||= phase === "lost"
        const jitter = (yield* Random.next) * Math.min(cap, base * 2 ** (n - 1))
        const millis = Math.max(reason._tag === "UnreadableAnswer" ? (reason.wait ?? 0) : 0, jitter)
        // D3: no pause goes past the deadline. D2: an attempt that the deadline cuts off while it connects could not say
        // that it was never sent.
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
