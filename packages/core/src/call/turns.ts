import * as Effect from "effect/Effect"

/** Limits how many effects run at once. Waiting effects run in the order of their arrival. */
export class Turns {
  #free: number
  readonly #waiting = new Set<() => void>()

  constructor(maxInFlight: number) {
    this.#free = maxInFlight
  }

  #passOn(): void {
    const [next] = this.#waiting
    if (next === undefined) {
      this.#free++
      return
    }
    this.#waiting.delete(next)
    next()
  }

  /** Runs an effect in its turn. If it has to wait, `bounded` is applied to the wait, for example to limit its time. */
  run<A, E, E2>(
    effect: Effect.Effect<A, E>,
    bounded: (wait: Effect.Effect<void>) => Effect.Effect<void, E2>
  ): Effect.Effect<A, E | E2> {
    return Effect.suspend(() => {
      let mine = false
      const take = (): Effect.Effect<A, E | E2> => {
        if (this.#free >= 1) {
          this.#free--
          mine = true
          return effect
        }
        const wait = Effect.callback<void>((resume) => {
          const next = () => {
            // Set in the same step in which the turn is passed on, so that an interruption can't lose the turn.
            mine = true
            resume(Effect.void)
          }
          this.#waiting.add(next)
          return Effect.sync(() => this.#waiting.delete(next))
        })
        // Yield, so that the previous effect continues first. Otherwise 10,000 effects that end at once would nest
        // 10,000 calls deep.
        return bounded(wait).pipe(Effect.andThen(Effect.yieldNow), Effect.andThen(effect))
      }
      return Effect.onExitPrimitive(Effect.suspend(take), () => {
        if (mine) this.#passOn()
        return undefined
      })
    })
  }
}
