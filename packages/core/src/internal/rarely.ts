import * as Effect from "effect/Effect"
import { monotonicMillis } from "./time.ts"

const pauseMillis = 60_000

/** Makes a function that logs a warning, at most one a minute: for an outage that many operations meet again and again. */
export const rareWarning = (): ((message: string) => Effect.Effect<void>) => {
  let next = -Infinity
  return (message) =>
    Effect.flatMap(monotonicMillis, (now) => {
      if (now < next) return Effect.void
      next = now + pauseMillis
      return Effect.logWarning(message)
    })
}
