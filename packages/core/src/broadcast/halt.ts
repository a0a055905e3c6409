/** The end of the work of one process: it is told to halt, ends what it has begun, and begins nothing more. */
import * as Effect from "effect/Effect"
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
