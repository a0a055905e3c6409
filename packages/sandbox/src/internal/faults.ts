import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import type * as Fault from "../Fault.ts"

/** A fault that may still hit. */
export interface Pending {
  readonly fault: Fault.Fault
  /** How many more calls it may hit. */
  left: number
  /** When it ends, in milliseconds of the platform's clock. */
  readonly until: number
}

/** The active faults. */
export class Faults {
  #pending: ReadonlyArray<Pending> = []

  /** Adds a fault. */
  add(fault: Fault.Fault): Effect.Effect<void> {
    return Effect.map(Clock.currentTimeMillis, (now) => {
      const once = fault.times === undefined && fault.share === undefined && fault.during === undefined
      const pending = {
        fault,
        left: fault.times ?? (once ? 1 : Infinity),
        until: fault.during === undefined ? Infinity : now + Duration.toMillis(Duration.fromInputUnsafe(fault.during))
      }
      this.#pending = [...this.#pending, pending]
    })
  }

  /** The faults that may still hit, oldest first. */
  pending(now: number): ReadonlyArray<Pending> {
    return this.#pending.filter((one) => one.left > 0 && one.until > now)
  }

  /** Removes all faults. */
  clear(): void {
    this.#pending = []
  }

  /** The fault that hits a call now: the oldest one that applies to it. */
  strike(endpoint: string, now: number): Effect.Effect<Fault.Fault | undefined> {
    return Effect.gen({ self: this }, function* () {
      this.#pending = this.pending(now)
      for (const one of this.#pending) {
        if (one.fault.endpoint !== undefined && one.fault.endpoint !== endpoint) continue
        if (one.fault.share !== undefined && (yield* Random.next) >= one.fault.share) continue
        one.left--
        return one.fault
      }
      return undefined
    })
  }
}
