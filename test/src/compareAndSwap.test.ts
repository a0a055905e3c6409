/** The loop that the optimistic stores share: what it repeats, when it gives up, and where it can be interrupted. */
import { assert, it } from "@effect/vitest"
import * as CompareAndSwap from "@qq-mini/core/adapter/CompareAndSwap"
import * as TokenCache from "@qq-mini/core/TokenCache"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { TestClock } from "effect/testing"

/** A document with versions, and a writer who adds one to its generation; before its first `lost` writes another is faster. */
const counter = (lost: number) => {
  let version = 0
  let document = TokenCache.emptyDocument
  let tries = 0
  const add = CompareAndSwap.swap({
    operation: "write",
    read: Effect.sync(() => ({ version, document })),
    decide: ({ document: { generation } }) =>
      Effect.succeed([generation + 1, { ...TokenCache.emptyDocument, generation: generation + 1 }] as const),
    replace: (seen, next) =>
      Effect.sync(() => {
        if (tries++ < lost) {
          version++
          document = { ...document, generation: document.generation + 10 }
        }
        if (seen.version !== version) return false
        version++
        document = next
        return true
      })
  })
  return { add, generation: () => document.generation, tries: () => tries }
}

it.effect("T2: decides anew about what another writer put there", () =>
  Effect.gen(function* () {
    const { add, generation, tries } = counter(5)
    const adding = yield* Effect.forkChild(add)
    yield* TestClock.adjust("1 second")
    assert.deepStrictEqual([yield* Fiber.join(adding), generation(), tries()], [51, 51, 6])
  })
)

it.effect("writes nothing where nothing is to be changed", () =>
  Effect.gen(function* () {
    const read = CompareAndSwap.swap({
      operation: "read",
      read: Effect.succeed("seen"),
      decide: (seen) => Effect.succeed([seen] as const),
      replace: () => Effect.die("a replacement")
    })
    assert.strictEqual(yield* read, "seen")
  })
)

it.effect("gives up after 40 attempts, with pauses that grow", () =>
  Effect.gen(function* () {
    const { add, tries } = counter(Infinity)
    const adding = yield* Effect.forkChild(Effect.flip(add))
    yield* TestClock.adjust("100 millis")
    assert.isBelow(tries(), 40)
    // no pause is longer than 10 ms for each attempt before it
    yield* TestClock.adjust("8 seconds")
    const error = yield* Fiber.join(adding)
    assert.strictEqual(error.message, "TokenCache.write: too-many-writers")
    assert.strictEqual(tries(), 40)
  })
)

it.effect("pauses at random, so that those who met once do not meet again", () =>
  Effect.gen(function* () {
    const writers = Array.from({ length: 20 }, () => counter(Infinity))
    yield* Effect.forEach(writers, ({ add }) => Effect.forkChild(Effect.exit(add)))
    yield* TestClock.adjust("500 millis")
    assert.isAbove(new Set(writers.map(({ tries }) => tries())).size, 1)
  })
)

it.effect("T9: an operation that is interrupted changes nothing any more", () =>
  Effect.gen(function* () {
    let replaced = 0
    const steps = {
      operation: "lease",
      decide: (seen: TokenCache.SlotDocument) => Effect.succeed([true, seen] as const),
      replace: () => Effect.sync(() => ++replaced > 0)
    } as const
    // as a database's answer that comes after the caller has gone
    let answer: (document: TokenCache.SlotDocument) => void = () => {}
    const read = Effect.promise(() => new Promise<TokenCache.SlotDocument>((resolve) => (answer = resolve)))
    const leasing = yield* Effect.forkChild(CompareAndSwap.swap({ ...steps, read }), { startImmediately: true })
    yield* Fiber.interrupt(leasing)
    answer(TokenCache.emptyDocument)
    yield* Effect.yieldNow
    assert.strictEqual(replaced, 0)
    // and in a pause
    const { add, tries } = counter(Infinity)
    const adding = yield* Effect.forkChild(add)
    yield* TestClock.adjust("50 millis")
    const before = tries()
    yield* Fiber.interrupt(adding)
    yield* TestClock.adjust("1 minute")
    assert.strictEqual(tries(), before)
  })
)
