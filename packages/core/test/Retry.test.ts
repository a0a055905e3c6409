import { assert, describe, it } from "@effect/vitest"
import { ConnectionFailed, InvalidCode, type Reason, SystemBusy, UnreadableAnswer } from "@qq-mini/core/QQError"
import * as Retry from "@qq-mini/core/Retry"
import { toTransportError } from "@qq-mini/core/adapter/exchange"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { TestClock } from "effect/testing"

const lost: Retry.Failure = {
  reason: new ConnectionFailed({ problem: "ECONNRESET" }),
  phase: "lost",
  repeat: "by-delivery"
}
const unsent: Retry.Failure = {
  reason: new ConnectionFailed({ problem: "ECONNREFUSED" }),
  phase: "unsent",
  repeat: "yes"
}
const busy: Retry.Failure = { reason: new SystemBusy({ code: -1, text: "" }), phase: "answered", repeat: "by-delivery" }
const used = Retry.answered(new InvalidCode({ code: 40029, text: "" }))

const now = Effect.clockWith((clock) => Effect.succeed(Number(clock.monotonicTimeNanosUnsafe()) / 1e6))

/** Runs attempts that fail as listed and then succeed: what came of it, and how many were made. */
const play = Effect.fnUntraced(function* (
  failures: ReadonlyArray<Retry.Failure>,
  delivery: Retry.Delivery,
  within = 60_000,
  policy: Retry.Policy = Retry.defaultPolicy
) {
  const start = yield* now
  let attempts = 0
  const attempt = Effect.suspend(() => {
    const failure = failures[attempts++]
    return failure === undefined ? Effect.succeed("done") : Effect.fail(failure)
  })
  const fiber = yield* Effect.forkChild(
    Effect.match(Retry.run(attempt, { delivery, deadline: start + within, policy }), {
      onSuccess: (value): string => value,
      onFailure: (reason: Reason) => reason._tag as string
    })
  )
  yield* TestClock.adjust("1 hour")
  return { outcome: yield* Fiber.join(fiber), attempts }
})

describe("Retry", () => {
  it.effect("D1: a read is repeated, whatever got lost", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* play([lost, busy], "repeatable"), { outcome: "done", attempts: 3 })
      assert.deepStrictEqual(yield* play([lost, lost, lost], "repeatable"), {
        outcome: "ConnectionFailed",
        attempts: 3
      })
    })
  )

  it.effect("D1: a send is repeated only when it is certain that nothing was sent", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* play([unsent], "once"), { outcome: "done", attempts: 2 })
      assert.deepStrictEqual(yield* play([unsent, unsent, unsent], "once"), {
        outcome: "ConnectionFailed",
        attempts: 3
      })
      assert.deepStrictEqual(yield* play([busy], "once"), { outcome: "SystemBusy", attempts: 1 })
    })
  )

  it.effect(
    "D1: connecting that timed out is not counted but repeated while there is time, unless repeating is off",
    () =>
      Effect.gen(function* () {
        const late: Retry.Failure = { ...unsent, connectTimedOut: true }
        const ten = Array.from({ length: 10 }, () => late)
        assert.deepStrictEqual(yield* play(ten, "once"), { outcome: "done", attempts: 11 })
        assert.deepStrictEqual(yield* play([...ten, unsent, unsent, unsent], "once"), {
          outcome: "ConnectionFailed",
          attempts: 13
        })
        const once = { ...Retry.defaultPolicy, attempts: 1 }
        assert.deepStrictEqual(yield* play(ten, "once", 60_000, once), { outcome: "ConnectionFailed", attempts: 1 })
      })
  )

  it.effect("D2: no try to connect begins that the deadline would cut off", () =>
    Effect.gen(function* () {
      const start = yield* now
      let last = 0
      const attempt = Effect.flatMap(now, (time) => {
        last = time
        return Effect.delay(Effect.fail<Retry.Failure>({ ...unsent, connectTimedOut: true }), 3_000)
      })
      const options = { delivery: "once", deadline: start + 15_000, policy: Retry.defaultPolicy } as const
      const fiber = yield* Effect.forkChild(Effect.flip(Retry.run(attempt, options)))
      for (let i = 0; i < 200; i++) yield* TestClock.adjust(100)
      assert.strictEqual((yield* Fiber.join(fiber))._tag, "ConnectionFailed")
      assert.isAtLeast(last, start + 6_000)
      assert.isAtMost(last, start + 12_000)
    })
  )

  it.effect("D2: a send that got lost is unknown, never repeated and never a plain failure", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* play([lost], "once"), { outcome: "OutcomeUnknown", attempts: 1 })
      assert.deepStrictEqual(yield* play([unsent, lost], "once"), { outcome: "OutcomeUnknown", attempts: 2 })
    })
  )

  it.effect("D2: 'used already' after a lost attempt may be that attempt", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* play([used], "singleUse"), { outcome: "InvalidCode", attempts: 1 })
      assert.deepStrictEqual(yield* play([lost], "singleUse"), { outcome: "done", attempts: 2 })
      assert.deepStrictEqual(yield* play([lost, used], "singleUse"), { outcome: "OutcomeUnknown", attempts: 2 })
      assert.deepStrictEqual(yield* play([unsent, used], "singleUse"), { outcome: "InvalidCode", attempts: 2 })
      // whatever comes after a lost attempt, it may have been the one
      for (const last of [unsent, busy, lost]) {
        assert.strictEqual((yield* play([lost, last, last], "singleUse")).outcome, "OutcomeUnknown")
      }
      assert.strictEqual((yield* play([unsent, unsent, unsent], "singleUse")).outcome, "ConnectionFailed")
    })
  )

  it.effect("D3: no pause goes past the deadline", () =>
    Effect.gen(function* () {
      const policy = { attempts: 100, firstPause: 1_000, maxPause: 1_000 }
      const start = yield* now
      let last = 0
      const attempt = Effect.flatMap(now, (time) => {
        last = time
        return Effect.fail(lost)
      })
      const fiber = yield* Effect.forkChild(
        Effect.flip(Retry.run(attempt, { delivery: "repeatable", deadline: start + 5_000, policy }))
      )
      for (let i = 0; i < 100; i++) yield* TestClock.adjust(100)
      yield* Fiber.join(fiber)
      assert.isAtMost(last, start + 5_000)
      assert.isAbove(last, start)
    })
  )

  it.effect("honours Retry-After, and gives up when it lies past the deadline", () =>
    Effect.gen(function* () {
      const wait = (wait: number): Retry.Failure => ({
        reason: new UnreadableAnswer({ found: "html", status: 503, size: 10, wait }),
        phase: "lost",
        repeat: "by-delivery"
      })
      assert.deepStrictEqual(yield* play([wait(30_000)], "repeatable"), { outcome: "done", attempts: 2 })
      assert.deepStrictEqual(yield* play([wait(90_000)], "repeatable"), { outcome: "UnreadableAnswer", attempts: 1 })
    })
  )

  it.effect("pauses anywhere between nothing and the longest, so that callers do not come back together", () =>
    Effect.gen(function* () {
      const start = yield* now
      const pauses: Array<number> = []
      for (let i = 0; i < 200; i++) {
        let first: number | undefined
        const attempt = Effect.flatMap(now, (time) => {
          if (first !== undefined) return Effect.sync(() => pauses.push(time - first!))
          first = time
          return Effect.fail(lost)
        })
        const policy = { attempts: 2, firstPause: 1_000, maxPause: 1_000 }
        const fiber = yield* Effect.forkChild(
          Retry.run(attempt, { delivery: "repeatable", deadline: start + 1e9, policy })
        )
        for (let step = 0; step < 10; step++) yield* TestClock.adjust(100)
        yield* Fiber.join(fiber)
      }
      assert.isBelow(Math.min(...pauses), 200)
      assert.isAbove(Math.max(...pauses), 800)
      assert.isAtMost(Math.max(...pauses), 1_000)
    })
  )

  it("tells from the errors of transports how far a request came", () => {
    const error = (code: string, cause?: unknown) => Object.assign(new Error("x", { cause }), { code })
    const phase = (e: unknown) => {
      const { phase, problem } = toTransportError(e)
      return { phase, problem }
    }
    assert.deepStrictEqual(phase(error("ECONNREFUSED")), { phase: "unsent", problem: "ECONNREFUSED" })
    assert.deepStrictEqual(phase(error("UND_ERR_CONNECT_TIMEOUT")).phase, "unsent")
    assert.deepStrictEqual(phase(new TypeError("fetch failed", { cause: error("ENOTFOUND") })).phase, "unsent")
    assert.deepStrictEqual(phase(new AggregateError([error("ECONNREFUSED")])).phase, "unsent")
    // the same name, but the connection stood already
    const broken = Object.assign(error("EHOSTUNREACH"), { syscall: "read" })
    assert.strictEqual(phase(broken).phase, "lost")
    assert.strictEqual(phase(Object.assign(error("ETIMEDOUT"), { syscall: "connect" })).phase, "unsent")
    assert.strictEqual(phase(new AggregateError([error("ECONNREFUSED"), error("ECONNRESET")])).phase, "lost")
    assert.deepStrictEqual(phase(Object.assign(new Error("x"), { name: "ConnectionTimeoutError" })).phase, "unsent")
    assert.deepStrictEqual(phase(error("UND_ERR_SOCKET", error("ECONNRESET"))), {
      phase: "lost",
      problem: "UND_ERR_SOCKET"
    })
    for (const odd of [undefined, null, "ECONNREFUSED", 42, {}, new Error("https://x/?secret=S")]) {
      assert.deepStrictEqual(phase(odd), { phase: "lost", problem: "the connection was lost" })
    }
    const hostile = Object.defineProperty({}, "code", {
      get() {
        throw new Error("boom")
      }
    })
    assert.strictEqual(phase(hostile).phase, "lost")
    const loop: { cause?: unknown } = {}
    loop.cause = loop
    assert.strictEqual(phase(loop).phase, "lost")
  })
})
