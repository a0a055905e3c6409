/** Waits for a store that is away. */
import * as Effect from "effect/Effect"
import { monotonicMillis } from "../internal/time.ts"

// The first and the longest pause before a store that failed is asked again (ms).
const firstPauseMillis = 100
const longestPauseMillis = 2_000
// The shortest pause between two log messages about it (ms).
const logAgainMillis = 10_000

/** Runs an operation of a store, and again after a pause as long as the store fails. */
export type Patient = <A>(operation: Effect.Effect<A, Error>) => Effect.Effect<A>

/** Makes the function. `what` is the name of what waits, for the log. */
export const makePatient = (what: string): Patient => {
  let loggedAt = -Infinity
  const log = (error: Error): Effect.Effect<void> =>
    Effect.flatMap(monotonicMillis, (now) => {
      if (now - loggedAt < logAgainMillis) return Effect.void
      loggedAt = now
      return Effect.logWarning(`${what}: waiting for its store (${error.message})`)
    })
  return <A>(operation: Effect.Effect<A, Error>) => {
    const run = (pause: number): Effect.Effect<A> =>
      Effect.catch(operation, (error) =>
        Effect.flatMap(Effect.andThen(log(error), Effect.sleep(pause)), () =>
          run(Math.min(longestPauseMillis, pause * 2))
        )
      )
    return run(firstPauseMillis)
  }
}
