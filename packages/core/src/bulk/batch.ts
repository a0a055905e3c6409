/** Joins what fibers ask of a store at the same moment, so that one operation answers all of them. */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"

interface Asked<Row, Answer> {
  readonly row: Row
  readonly answer: Deferred.Deferred<Answer>
}

/** Those who ask at one moment. */
class Together<Row, Answer> {
  readonly all: Array<Asked<Row, Answer>> = []
  waiting = 0
  fiber: Fiber.Fiber<void> | undefined
}

/** Joins the rows of one kind of operation, which answers them in their order and does not fail. */
export class Batch<Row, Answer> {
  readonly #operation: (rows: ReadonlyArray<Row>) => Effect.Effect<ReadonlyArray<Answer>>
  readonly #maxRows: number
  #next = new Together<Row, Answer>()

  constructor(maxRows: number, operation: (rows: ReadonlyArray<Row>) => Effect.Effect<ReadonlyArray<Answer>>) {
    this.#maxRows = maxRows
    this.#operation = operation
  }

  /** Asks for one row. The operation is interrupted if all who asked with it are. */
  ask(row: Row): Effect.Effect<Answer> {
    return Effect.withFiber((fiber) => {
      const together = this.#next
      const answer = Deferred.makeUnsafe<Answer>()
      if (together.all.push({ row, answer }) === this.#maxRows) this.#next = new Together()
      together.waiting++
      // Begun here, in one step with the rest: an interruption can't come in between.
      const running = (together.fiber ??= Effect.runForkWith(fiber.context)(this.#run(together)))
      const leave = Effect.sync(() => {
        if (--together.waiting > 0) return
        if (this.#next === together) this.#next = new Together()
        running.interruptUnsafe()
      })
      return Effect.onInterrupt(Deferred.await(answer), () => leave)
    })
  }

  #run(together: Together<Row, Answer>): Effect.Effect<void> {
    return Effect.andThen(
      // The others of this moment ask meanwhile.
      Effect.yieldNow,
      Effect.suspend(() => {
        if (this.#next === together) this.#next = new Together()
        return Effect.map(Effect.exit(this.#operation(together.all.map(({ row }) => row))), (exit) => {
          for (const [i, { answer }] of together.all.entries()) {
            Deferred.doneUnsafe(
              answer,
              Exit.map(exit, (answers) => answers[i]!)
            )
          }
        })
      })
    )
  }
}
