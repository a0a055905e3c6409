import { assert, describe, it } from "@effect/vitest"
import * as Broadcast from "@qq-mini/core/Broadcast"
import * as QQError from "@qq-mini/core/QQError"
import * as QQMini from "@qq-mini/core/QQMini"
import * as Quota from "@qq-mini/core/Quota"
import * as SendLedger from "@qq-mini/core/SendLedger"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as PersistedQueue from "effect/persistence/PersistedQueue"
import { TestClock } from "effect/testing"

interface Sent {
  readonly openid: string
  readonly at: number
}

type Answer = (openid: string, tries: number) => Effect.Effect<void, QQError.Reason>

/** QQ, which answers as the test wants it and remembers every message. */
const fakeQQ = (answer: Answer = () => Effect.void) => {
  const sent: Array<Sent> = []
  const tries = new Map<string, number>()
  const layer = QQMini.layerStub({
    "subscribeMessage.send": ({ touser }) =>
      Effect.gen(function* () {
        const n = (tries.get(touser) ?? 0) + 1
        tries.set(touser, n)
        yield* answer(touser, n)
        sent.push({ openid: touser, at: yield* Clock.currentTimeMillis })
        return {}
      }) as never
  })
  return { sent, layer }
}

const stores = Layer.mergeAll(
  SendLedger.layerMemory,
  Quota.layerMemory,
  Layer.provide(PersistedQueue.layer, PersistedQueue.layerStoreMemory)
)

const users = (count: number) =>
  Array.from({ length: count }, (_, i) => ({ openid: `user-${i}`, keyword1: `text ${i}` }))
const template_id = "T"

/** Runs with the clock of the test, which goes on until the effect has ended. */
const inTime = <A, E, R>(effect: Effect.Effect<A, E, R>, step = 500) =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkChild(effect)
    while (fiber.pollUnsafe() === undefined) {
      yield* TestClock.adjust(step)
      yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
    }
    return yield* Fiber.join(fiber)
  })

const answered = (code: number) => ({ code, text: "" })

describe("Broadcast", () => {
  it.effect("sends to everybody once, and counts every result", () => {
    const qq = fakeQQ((openid) => {
      const n = Number(openid.slice(5))
      if (n % 10 === 1) return Effect.fail(new QQError.NotSubscribed(answered(46001)))
      if (n % 10 === 2) return Effect.fail(new QQError.QuotaReached(answered(46002)))
      if (n % 10 === 3)
        return Effect.fail(
          new QQError.OutcomeUnknown({ because: new QQError.TimedOut({ during: "answer", limit: 1 }) })
        )
      return Effect.void
    })
    return Effect.gen(function* () {
      const broadcast = yield* Broadcast.make({ id: "a", template_id, recipients: users(1_000), chunkSize: 70 })
      const result = yield* inTime(broadcast.run)
      assert.strictEqual(result.state, "finished")
      assert.strictEqual(result.recipients, 1_000)
      assert.strictEqual(result.sent, 700)
      assert.strictEqual(result.unknown, 100)
      assert.deepStrictEqual(result.refused, { "NotSubscribed 46001": 100, "QuotaReached 46002": 100 })
      assert.strictEqual(new Set(qq.sent.map(({ openid }) => openid)).size, 700)
      // Run again, it sends nothing.
      assert.deepStrictEqual(yield* inTime(broadcast.run), result)
      assert.strictEqual(qq.sent.length, 700)
    }).pipe(Effect.provide([stores, qq.layer]))
  })
})
