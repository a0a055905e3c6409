/** The end of the work of one process: it is told to halt, ends what it has begun, and begins nothing more. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
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

/**
 * B3: runs work in a fiber of its own, and halts it after `haltAfter`. If the caller is interrupted, the work is halted too.
 * The last results are waited for, at most `patience`: a store may be away. Times are milliseconds.
 */
export const untilHalted = <E, R>(
  halt: Halt,
  { haltAfter, patience }: { readonly haltAfter?: number | undefined; readonly patience: number },
  work: Effect.Effect<void, E, R>
): Effect.Effect<void, E, R> =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkDetach(work)
    const end = Effect.suspend(() => {
      halt.now()
      return Fiber.await(fiber).pipe(Effect.timeoutOption(patience), Effect.andThen(Fiber.interrupt(fiber)))
    })
    const timer = haltAfter === undefined ? Effect.never : Effect.sleep(haltAfter)
    yield* Effect.onInterrupt(Effect.raceFirst(Fiber.await(fiber), timer), () => end)
    yield* end
    const exit = yield* Fiber.await(fiber)
    // Work that was ended without its last results has no error of its own.
    if (Exit.isSuccess(exit) || !Cause.hasInterruptsOnly(exit.cause)) return yield* exit
  })
