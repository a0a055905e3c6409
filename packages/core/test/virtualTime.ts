/** Virtual time without an event loop: what runs, runs in the order in which it was scheduled; then the clock goes on. */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scheduler from "effect/Scheduler"

interface Sleeper {
  readonly at: number
  readonly wake: () => void
}

/**
 * Runs an effect to its end, within this call. When nothing can run, the clock jumps to the earliest sleeper. The clock
 * begins at 0 ms. An effect that waits for something else than time is a defect.
 */
export const runVirtual = <A>(effect: Effect.Effect<A>): A => {
  let now = 0
  const turns: Array<() => void> = []
  /** In the order of their times, and for equal times in the order in which they went to sleep. */
  const sleepers: Array<Sleeper> = []

  const nanos = () => BigInt(Math.round(now * 1e6))
  const clock: Clock.Clock = {
    currentTimeMillisUnsafe: () => now,
    currentTimeMillis: Effect.sync(() => now),
    currentTimeNanosUnsafe: nanos,
    currentTimeNanos: Effect.sync(nanos),
    monotonicTimeNanosUnsafe: nanos,
    monotonicTimeNanos: Effect.sync(nanos),
    sleep: (duration) =>
      Effect.callback((resume) => {
        const sleeper = { at: now + Duration.toMillis(duration), wake: () => resume(Effect.void) }
        let place = sleepers.length
        while (place > 0 && sleepers[place - 1]!.at > sleeper.at) place--
        sleepers.splice(place, 0, sleeper)
        return Effect.sync(() => {
          const place = sleepers.indexOf(sleeper)
          if (place >= 0) sleepers.splice(place, 1)
        })
      })
  }
  const scheduler = new Scheduler.MixedScheduler("async", (turn) => {
    turns.push(turn)
    return () => {
      const place = turns.indexOf(turn)
      if (place >= 0) turns.splice(place, 1)
    }
  })
  const fiber = Effect.runFork(Effect.provideService(effect, Clock.Clock, clock), { scheduler })
  for (;;) {
    for (let turn = turns.shift(); turn !== undefined; turn = turns.shift()) turn()
    const exit = fiber.pollUnsafe()
    if (exit !== undefined) {
      if (Exit.isSuccess(exit)) return exit.value
      throw Cause.squash(exit.cause)
    }
    const sleeper = sleepers.shift()
    if (sleeper === undefined) throw new Error("waits for something else than time")
    now = sleeper.at
    sleeper.wake()
  }
}
