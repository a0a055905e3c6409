/** When the messages of a process may be sent: not while QQ is in trouble, in the quiet hours, or after the end. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { Gate } from "../bulk/gate.ts"
import type { Halt } from "../bulk/halt.ts"
import { millisOf } from "../internal/time.ts"

// In a minute the hour may have changed, as at the end of summer time.
const longestSleepMillis = 60_000

/** When messages may be sent. Times are milliseconds. */
export class Timing {
  /** Closed while QQ is in trouble. */
  readonly gate = new Gate()
  readonly #halt: Halt
  readonly #quiet: (now: number) => number
  readonly #endsAt: number

  constructor(options: {
    readonly halt: Halt
    /** Milliseconds until the quiet hours are over, at this time of the day. */
    readonly quiet: (now: number) => number
    /** The monotonic time at which the work is halted, or `Infinity`. */
    readonly endsAt: number
  }) {
    this.#halt = options.halt
    this.#quiet = options.quiet
    this.#endsAt = options.endsAt
  }

  /** Milliseconds until messages may be sent. */
  wait(clock: Clock.Clock): number {
    return Math.max(this.gate.wait(millisOf(clock)), this.#quiet(clock.currentTimeMillisUnsafe()))
  }

  /** Milliseconds until the end. */
  left(clock: Clock.Clock): number {
    return this.#endsAt - millisOf(clock)
  }

  /** B3: waits until messages may be sent, or the work is halted. */
  ready(): Effect.Effect<void> {
    return Clock.clockWith((clock) => {
      const wait = this.wait(clock)
      return wait <= 0 || this.#halt.isHalted
        ? Effect.void
        : Effect.andThen(this.sleep(wait, longestSleepMillis), this.ready())
    })
  }

  /** Sleeps, at most `longest`. Halts the work if it would end before: a cloud function is paid while it sleeps. */
  sleep(wait: number, longest = wait): Effect.Effect<void> {
    return Clock.clockWith((clock) => {
      if (wait < this.left(clock)) return this.#halt.sleep(Math.min(wait, longest))
      this.#halt.now()
      return Effect.void
    })
  }
}
