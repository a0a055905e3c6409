/** Runs effects while the test clock moves on. */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { TestClock } from "effect/testing"

const stepMillis = 100

/** Moves the clock on in steps of 100 ms, for fibers that set one timer after the other. */
export const advanceInSteps = Effect.fnUntraced(function* (millis: number) {
  for (let passed = 0; passed < millis; passed += stepMillis) yield* TestClock.adjust(stepMillis)
})

/** Starts an effect, moves the clock on by this much, and waits for its end. */
export const runFor = Effect.fnUntraced(function* <A, E, R>(duration: Duration.Input, effect: Effect.Effect<A, E, R>) {
  const fiber = yield* Effect.forkChild(effect, { startImmediately: true })
  yield* TestClock.adjust(duration)
  return yield* Fiber.join(fiber)
})

/** Starts an effect and moves the clock on in steps until it ends, by 3 seconds at the most. */
export const runUntilDone = Effect.fnUntraced(function* <A, E, R>(effect: Effect.Effect<A, E, R>) {
  const fiber = yield* Effect.forkChild(Effect.result(effect), { startImmediately: true })
  for (let passed = 0; passed < 3_000 && fiber.pollUnsafe() === undefined; passed += stepMillis) {
    yield* TestClock.adjust(stepMillis)
  }
  return yield* Fiber.join(fiber)
})
