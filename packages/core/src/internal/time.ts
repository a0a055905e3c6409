import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"

/** Milliseconds that only ever grow: a machine whose clock is set back or ahead keeps its tokens and its quotas. */
export const monotonicMillis: Effect.Effect<number> = Clock.clockWith((clock) =>
  Effect.succeed(Number(clock.monotonicTimeNanosUnsafe()) / 1e6)
)

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
    Effect.repeat(Effect.sleep(millis / steps), { times: steps - 1 }).pipe(
      Effect.flatMap(() => Effect.fail(onTimeout()))
    )
  )
