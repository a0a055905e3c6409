import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"

/** T10: milliseconds that only ever grow. A machine whose clock is set back or ahead keeps its tokens and quotas. */
export const monotonicMillis: Effect.Effect<number> = Clock.clockWith((clock) => Effect.succeed(millisOf(clock)))

/** The same of a clock that is known. */
export const millisOf = (clock: Clock.Clock): number => Number(clock.monotonicTimeNanosUnsafe()) / 1e6

const steps = 10

/**
 * Fails an effect that takes longer than so many milliseconds in which this process could hear of its end. One that was
 * too busy to listen is given the time to look: whoever takes a full inbox for silence goes on without the others.
 */
export const patient = <A, E, R, E2>(
  effect: Effect.Effect<A, E, R>,
  millis: number,
  onTimeout: () => E2
): Effect.Effect<A, E | E2, R> =>
  Effect.raceFirst(
    effect,
    Effect.gen(function* () {
      // not `Effect.repeat`, which brings schedules into every bundle
      for (let step = 0; step < steps; step++) yield* Effect.sleep(millis / steps)
      return yield* Effect.fail(onTimeout())
    })
  )
