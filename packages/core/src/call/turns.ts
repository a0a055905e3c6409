import * as Effect from "effect/Effect"

/** How many may be on their way at once. Those who wait get their turns in the order in which they came. */
export class Turns {
  #free: number
  readonly #waiting = new Set<() => void>()

  constructor(most: number) {
    this.#free = most
  }

  #give(): void {
    const [next] = this.#waiting
    if (next === undefined) {
      this.#free++
      return
    }
    this.#waiting.delete(next)
    next()
  }

  /** Runs an effect in its turn. `bounded` is put around the wait for it, where there is one. */
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
            // In the same step as it was given up by another, so that an interruption can't lose it.
            mine = true
            resume(Effect.void)
          }
          this.#waiting.add(next)
          return Effect.sync(() => this.#waiting.delete(next))
        })
        // Whoever gave the turn up goes on first: 10,000 that end at once would nest as deep.
        return bounded(wait).pipe(Effect.andThen(Effect.yieldNow), Effect.andThen(effect))
      }
      return Effect.onExitPrimitive(Effect.suspend(take), () => {
        if (mine) this.#give()
        return undefined
      })
    })
  }
}
