/** Observes broadcasts. */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type { Progress } from "../broadcast/progress.ts"
import { type Meter, metrics } from "./metrics.ts"
import type { Observable } from "./observe.ts"

// How often the progress of a running broadcast is read (ms).
const everyMillis = 10_000

const sum = (counts: Readonly<Record<string, number>>) => Object.values(counts).reduce((one, other) => one + other, 0)

/** The function that observes broadcasts. */
export const make = (meter: Meter): Observable["broadcast"] => {
  const update = (progress: Progress): void => {
    const { id, refused, sending, sent, unknown } = progress
    const counts = { new: progress.new, sending, sent, unknown, refused: sum(refused), bad: progress.bad }
    for (const [state, count] of Object.entries(counts)) {
      meter.update(metrics.broadcast, count, { "qq.broadcast": id, "qq.state": state })
    }
  }
  return (work, progress) => {
    const reading = Effect.gen(function* () {
      for (;;) {
        yield* Effect.sleep(everyMillis)
        yield* Effect.ignore(Effect.map(progress, update))
      }
    })
    return Effect.acquireUseRelease(
      Effect.forkDetach(reading),
      () => Effect.tap(work, (progress) => Effect.sync(() => update(progress))),
      Fiber.interrupt
    )
  }
}
