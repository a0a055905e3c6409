/** A runtime's waitUntil that does not work. Renewals and fetches that it gets are in laws/T8 and laws/T9. */
import { assert, it } from "@effect/vitest"
import * as QQMini from "@qq-mini/core/QQMini"
import * as Effect from "effect/Effect"
import { TestClock } from "effect/testing"
import { requestClient } from "./support/serverless.ts"
import { check } from "./support/token.ts"

it.effect("I2: a waitUntil that throws fails no call", () =>
  Effect.gen(function* () {
    yield* check
    yield* TestClock.adjust("116 minutes")
    // as a method does that was taken from its object
    const throwing = () => {
      throw new TypeError("Illegal invocation")
    }
    assert.deepStrictEqual(yield* Effect.provideService(check, QQMini.WaitUntil, throwing), { risky: false })
  }).pipe(Effect.provide(requestClient))
)
