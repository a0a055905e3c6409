import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"

/** Milliseconds that only ever grow: a machine whose clock is set back or ahead keeps its tokens and its quotas. */
export const monotonicMillis: Effect.Effect<number> = Clock.clockWith((clock) =>
  Effect.succeed(Number(clock.monotonicTimeNanosUnsafe()) / 1e6)
)
