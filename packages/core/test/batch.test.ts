import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { Batch } from "../src/bulk/batch.ts"

describe("Batch", () => {
  it.effect("answers who asks after all who asked before were interrupted", () =>
    Effect.gen(function* () {
      const batch = new Batch(10, (rows: ReadonlyArray<number>) => Effect.succeed(rows.map((row) => 2 * row)))
      const asking = yield* Effect.forkChild(batch.ask(1), { startImmediately: true })
      asking.interruptUnsafe()
      assert.strictEqual(yield* batch.ask(2), 4)
      yield* Fiber.await(asking)
    })
  )

  it.effect("fails all who asked with an operation that fails", () =>
    Effect.gen(function* () {
      const batch = new Batch<number, number>(10, () => Effect.die("broken"))
      const exits = yield* Effect.all([Effect.exit(batch.ask(1)), Effect.exit(batch.ask(2))], { concurrency: 2 })
      assert.deepStrictEqual(
        exits.map(({ _tag }) => _tag),
        ["Failure", "Failure"]
      )
    })
  )
})
