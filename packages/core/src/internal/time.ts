import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"

/** T10: monotonic milliseconds. They only grow, so tokens and quotas survive changes of the machine's clock. */
export const monotonicMillis: Effect.Effect<number> = Clock.clockWith((clock) => Effect.succeed(millisOf(clock)))

/** The monotonic milliseconds of a clock. */
export const millisOf = (clock: Clock.Clock): number => Number(clock.monotonicTimeNanosUnsafe()) / 1e6

/** The longest time that stores can keep: some 30,000 years. */
export const longestMillis = 1e15

const steps = 10

/**
 * A timeout that tolerates a blocked event loop. It sleeps in 10 steps, so after a long block the effect has time to
 * deliver a result that has already arrived. A busy process must not take its own delay for an outage.
 */
export const patient = <A, E, R, E2>(
  effect: Effect.Effect<A, E, R>,
  millis: number,
  onTimeout: () => E2
): Effect.Effect<A, E | E2, R> =>
  Effect.raceFirst(
    effect,
    Effect.gen(function* () {
      // `Effect.repeat` would add schedules to every bundle.
      for (let step = 0; step < steps; step++) yield* Effect.sleep(millis / steps)
      return yield* Effect.fail(onTimeout())
    })
  )
