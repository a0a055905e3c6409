/** The end of the work of one process: it is told to halt, ends what it has begun, and begins nothing more. */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Latch from "effect/Latch"

/** A signal to halt. */
export class Halt {
  readonly #latch = Latch.makeUnsafe()

  /** Tells to halt. */
  now(): void {
    this.#latch.openUnsafe()
  }

  get isHalted(): boolean {
    return this.#latch.isOpen()
  }

  /** Waits for the signal. */
  get signal(): Effect.Effect<void> {
    return Effect.asVoid(this.#latch.await)
  }

  /** Sleeps, at most until the signal. */
  sleep(millis: number): Effect.Effect<void> {
    return Effect.raceFirst(Effect.sleep(millis), this.signal)
  }
}

const haltLater = (halt: Halt, millis: number) =>
  Effect.andThen(
    Effect.sleep(millis),
    Effect.sync(() => halt.now())
  )

/**
 * B3: runs work in a fiber of its own, and halts it after `haltAfter`. If the caller is interrupted, the work is halted, and
 * its last results are waited for, at most `patience`. Times are milliseconds.
 */
export const untilHalted = <A, E, R>(
  halt: Halt,
  { haltAfter, patience }: { readonly haltAfter?: number | undefined; readonly patience: number },
  work: Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkDetach(work)
    const timer = haltAfter === undefined ? undefined : yield* Effect.forkDetach(haltLater(halt, haltAfter))
    const end = Effect.suspend(() => {
      halt.now()
      return Fiber.await(fiber).pipe(Effect.timeoutOption(patience), Effect.andThen(Fiber.interrupt(fiber)))
    })
    return yield* Fiber.join(fiber).pipe(
      Effect.onInterrupt(() => end),
      Effect.ensuring(timer === undefined ? Effect.void : Fiber.interrupt(timer))
    )
  })
