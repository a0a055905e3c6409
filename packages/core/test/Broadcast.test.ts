import { assert, describe, it } from "@effect/vitest"
import * as Broadcast from "@qq-mini/core/Broadcast"
import * as QQError from "@qq-mini/core/QQError"
import * as QQMini from "@qq-mini/core/QQMini"
import * as Quota from "@qq-mini/core/Quota"
import * as SendLedger from "@qq-mini/core/SendLedger"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Latch from "effect/Latch"
import * as Option from "effect/Option"
import * as PersistedQueue from "effect/persistence/PersistedQueue"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import { TestClock } from "effect/testing"
import { Readable } from "node:stream"
import { inspect } from "node:util"

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
  /** How many requests came. */
  const asked = () => [...tries.values()].reduce((a, b) => a + b, 0)
  return { sent, asked, layer }
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

const openids = ({ sent }: { readonly sent: ReadonlyArray<Sent> }) => sent.map(({ openid }) => openid)

describe("Broadcast", () => {
  it.effect("sends to everybody once, and counts every result", () => {
    const qq = fakeQQ((openid) => {
      const n = Number(openid.slice(5)) % 10
      if (n === 1) return Effect.fail(new QQError.NotSubscribed(answered(46001)))
      if (n === 2) return Effect.fail(new QQError.QuotaReached(answered(46002)))
      return n === 3
        ? Effect.fail(new QQError.OutcomeUnknown({ because: new QQError.TimedOut({ during: "answer", limit: 1 }) }))
        : Effect.void
    })
    return Effect.gen(function* () {
      const broadcast = yield* Broadcast.make({ id: "a", template_id, recipients: users(1_000), chunkSize: 70 })
      const result = yield* inTime(broadcast.run)
      assert.strictEqual(result.state, "finished")
      assert.strictEqual(result.recipients, 1_000)
      assert.strictEqual(result.sent, 700)
      assert.strictEqual(result.unknown, 100)
      assert.deepStrictEqual(result.refused, { "NotSubscribed 46001": 100, "QuotaReached 46002": 100 })
      assert.strictEqual(new Set(openids(qq)).size, 700)
      assert.deepStrictEqual(yield* inTime(broadcast.run), result)
      assert.strictEqual(qq.sent.length, 700)
    }).pipe(Effect.provide([stores, qq.layer]))
  })

  it.effect("reads recipients from an iterable, an async iterable, a Stream and a cursor", () => {
    const qq = fakeQQ()
    const sources = {
      set: new Set(users(30)),
      generator: (function* () {
        yield* users(30)
      })(),
      async: (async function* () {
        yield* users(30)
      })(),
      stream: Stream.fromIterable(users(30)),
      cursor: (skip: number) => users(30).slice(skip)
    }
    return Effect.gen(function* () {
      for (const [id, recipients] of Object.entries(sources)) {
        const broadcast = yield* Broadcast.make({ id, template_id, recipients, chunkSize: 7 })
        assert.strictEqual((yield* inTime(broadcast.run)).sent, 30, id)
      }
      assert.strictEqual(qq.sent.length, 150)
    }).pipe(Effect.provide([stores, qq.layer]))
  })

  it.effect("reads an iterator once, and says what is wrong with a source", () => {
    const qq = fakeQQ()
    const thrown = () => {
      throw new Error("no cursor")
    }
    return Effect.gen(function* () {
      const once = [users(3).values(), Readable.from(users(3)), (() => new Blob(["{}"]).stream())()]
      for (const [i, recipients] of once.entries()) {
        const broadcast = yield* Broadcast.make<unknown>({ id: `once-${i}`, template_id, recipients })
        yield* broadcast.dryRun
        const error = yield* Effect.flip(inTime(broadcast.run))
        assert.include(error.message, "read only once")
      }
      const wrong = {
        InvalidInput: (async () => users(3)) as never,
        SourceError: thrown,
        "no cursor": { [Symbol.iterator]: thrown, [Symbol.asyncIterator]: thrown }
      }
      for (const [word, recipients] of Object.entries(wrong)) {
        const { run } = yield* Broadcast.make({ id: "wrong", template_id, recipients })
        assert.include(inspect(yield* Effect.flip(inTime(run))), word)
      }
      assert.isEmpty(qq.sent)
    }).pipe(Effect.provide([stores, qq.layer]))
  })

  it.effect("reports bad rows and duplicates with their line, and sends to all others", () => {
    const qq = fakeQQ()
    const recipients = [
      { openid: "a", keyword1: "x" },
      { openid: "", keyword1: "x" },
      { openid: "b" },
      { openid: "a", keyword1: "y" },
      { openid: "c", keyword1: "long ".repeat(300) },
      { openid: "d", keyword1: {} },
      new Broadcast.Row<{}>({ line: 9, problem: { en: "a quote is missing", zh: "缺少引号" } }),
      new Broadcast.Row({ line: 12, value: { openid: "e", keyword1: 5 } }),
      { openid: " a", keyword1: "x" },
      { openid: "\ud83d", keyword1: "x" }
    ]
    return Effect.gen(function* () {
      const broadcast = yield* Broadcast.make<unknown>({ id: "bad", template_id, recipients, chunkSize: 3 })
      for (const run of [broadcast.dryRun, inTime(broadcast.run)]) {
        const { bad, badRows, recipients, rows } = yield* run
        assert.deepStrictEqual(
          badRows.map(({ field, line }) => `${line} ${field}`),
          [
            "2 touser",
            "3 data",
            "4 touser",
            "5 data.keyword1.value",
            "6 data.keyword1.value",
            "9 row",
            "9 touser",
            "10 touser"
          ]
        )
        assert.include(badRows[2]!.problem.en, "line 1")
        assert.include(badRows[3]!.problem.zh, "1000")
        assert.deepStrictEqual([bad, recipients, rows], [8, 2, 10])
        assert.notInclude(JSON.stringify(badRows), "long")
      }
      assert.deepStrictEqual(openids(qq).sort(), ["a", "e"])
    }).pipe(Effect.provide([stores, qq.layer]))
  })

  it.effect("is not finished if all rows are bad, and says why", () => {
    const qq = fakeQQ()
    return Effect.gen(function* () {
      const options = { id: "no-template", recipients: users(20), chunkSize: 7 }
      const broadcast = yield* Broadcast.make(options)
      assert.strictEqual((yield* broadcast.dryRun).bad, 20)
      const error = yield* Effect.flip(inTime(broadcast.run))
      assert.include(error.message, "Line 1: template_id is required")
      yield* broadcast.remove
      const right = yield* Broadcast.make({ ...options, template_id })
      assert.strictEqual((yield* inTime(right.run)).sent, 20)
    }).pipe(Effect.provide([stores, qq.layer]))
  })

  it.live("lets its process do other work after each chunk, if neither the source nor the store ever waits", () =>
    Effect.gen(function* () {
      let turns = 0
      const turn = () => {
        turns++
        next = setImmediate(turn)
      }
      let next = setImmediate(turn)
      const broadcast = yield* Broadcast.make({ id: "a", template_id, recipients: users(200), chunkSize: 10 })
      yield* broadcast.dryRun
      clearImmediate(next)
      assert.isAtLeast(turns, 20)
    }).pipe(Effect.provide([stores, fakeQQ().layer]))
  )

  it.effect("waits while nothing can be sent, and goes on", () => {
    let isBusy = true
    const qq = fakeQQ(() => (isBusy ? Effect.fail(new QQError.SystemBusy(answered(-1))) : Effect.void))
    return Effect.gen(function* () {
      const broadcast = yield* Broadcast.make({ id: "busy", template_id, recipients: users(50) })
      const running = yield* Effect.forkChild(inTime(broadcast.run))
      yield* inTime(Effect.sleep("10 minutes"))
      // Few tries: the pauses grow.
      assert.isBelow(qq.asked(), 16 * 20)
      isBusy = false
      const result = yield* Fiber.join(running)
      assert.strictEqual(result.sent, 50)
      assert.strictEqual(qq.sent.length, 50)
    }).pipe(Effect.provide([stores, qq.layer]))
  })

  it.effect("pauses everything when no message would be sent, says why, and goes on when resumed", () => {
    let template: "wrong" | "right" = "wrong"
    const qq = fakeQQ(() =>
      template === "wrong"
        ? Effect.fail(
            new QQError.InvalidInput({ field: "template_id", problem: { en: "", zh: "" }, ...answered(40037) })
          )
        : Effect.void
    )
    return Effect.gen(function* () {
      const broadcast = yield* Broadcast.make({ id: "stop", template_id, recipients: users(500) })
      const running = yield* Effect.forkChild(inTime(broadcast.run))
      const paused = yield* broadcast.changes().pipe(
        Stream.filter(({ state }) => state === "paused"),
        Stream.runHead
      )
      assert.include(JSON.stringify(paused), "40037")
      assert.isAtMost(qq.asked(), 16)
      template = "right"
      assert.isTrue(yield* broadcast.resume)
      assert.strictEqual((yield* Fiber.join(running)).sent, 500)
    }).pipe(Effect.provide([stores, qq.layer]))
  })

  it.effect("sends what is in the queue with a corrected template, and only what was wrong is corrected", () => {
    const sent: Array<string> = []
    const qq = QQMini.layerStub({
      "subscribeMessage.send": ({ template_id, touser }) =>
        Effect.suspend(() => {
          if (template_id === "wrong") {
            const problem = { en: "", zh: "" }
            return Effect.fail(new QQError.InvalidInput({ field: "template_id", problem, ...answered(40037) }))
          }
          sent.push(`${template_id} ${touser}`)
          return Effect.succeed({})
        }) as never
    })
    return Effect.gen(function* () {
      const recipients = [...users(2), { openid: "own", template_id: "other", keyword1: "text" }]
      const options = { id: "corrected", recipients, concurrency: 1 }
      const first = yield* Broadcast.make({ ...options, template_id: "wrong" })
      const running = yield* Effect.forkChild(inTime(first.run))
      yield* first.changes().pipe(
        Stream.filter(({ state }) => state === "paused"),
        Stream.runHead
      )
      yield* Fiber.interrupt(running)
      yield* first.resume
      const second = yield* Broadcast.make({ ...options, template_id: "right" })
      assert.strictEqual((yield* inTime(second.run)).sent, 3)
      assert.deepStrictEqual(sent.toSorted(), ["other own", "right user-0", "right user-1"])
    }).pipe(Effect.provide([stores, qq]))
  })

  it.effect("pauses, and refuses nobody, when the client itself refuses a message", () => {
    const problem = { en: "must be the program's id as a string", zh: "" }
    const qq = fakeQQ(() => Effect.fail(new QQError.InvalidInput({ field: "appid", problem })))
    return Effect.gen(function* () {
      const broadcast = yield* Broadcast.make({ id: "own", template_id, recipients: users(20) })
      yield* Effect.forkChild(inTime(broadcast.run))
      const paused = yield* broadcast.changes().pipe(
        Stream.filter(({ sending, state }) => state === "paused" && sending === 0),
        Stream.runHead
      )
      assert.deepInclude(Option.getOrThrow(paused), { new: 20, refused: {} })
    }).pipe(Effect.provide([stores, qq.layer]))
  })

  it.effect("stops when many messages in a row are refused for what they contain", () => {
    const qq = fakeQQ(() => Effect.fail(new QQError.Rejected(answered(40036))))
    return Effect.gen(function* () {
      const broadcast = yield* Broadcast.make({ id: "many", template_id, recipients: users(500), concurrency: 1 })
      const running = yield* Effect.forkChild(inTime(broadcast.run))
      yield* broadcast.changes().pipe(
        Stream.filter(({ state }) => state === "paused"),
        Stream.runHead
      )
      assert.strictEqual(qq.asked(), 50)
      yield* broadcast.resume
      yield* broadcast.changes().pipe(
        Stream.filter(({ state }) => state === "paused"),
        Stream.runHead
      )
      assert.strictEqual(qq.asked(), 100)
      yield* broadcast.cancel
      const result = yield* Fiber.join(running)
      assert.strictEqual(result.state, "cancelled")
      assert.deepStrictEqual([result.new, result.recipients], [400, 500])
    }).pipe(Effect.provide([stores, qq.layer]))
  })

  it.effect("tries a recipient again whom QQ refused for being too early", () => {
    const qq = fakeQQ((openid, tries) =>
      openid === "user-3" && tries < 3 ? Effect.fail(new QQError.TooFrequent(answered(41030))) : Effect.void
    )
    return Effect.gen(function* () {
      const broadcast = yield* Broadcast.make({ id: "early", template_id, recipients: users(10) })
      assert.strictEqual((yield* inTime(broadcast.run)).sent, 10)
      const times = qq.sent.map(({ at }) => at)
      assert.isAtLeast(Math.max(...times) - Math.min(...times), 120_000)
    }).pipe(Effect.provide([stores, qq.layer]))
  })

  it.effect("sends nothing in the quiet hours", () => {
    const qq = fakeQQ()
    return Effect.gen(function* () {
      // In Shanghai it is 21:59:50.
      yield* TestClock.setTime(Date.UTC(2026, 10, 30, 13, 59, 50))
      const broadcast = yield* Broadcast.make({
        id: "quiet",
        template_id,
        recipients: users(300),
        rate: { max: 10, window: "second" },
        quietHours: { from: "22:00", to: "22:20" }
      })
      assert.strictEqual((yield* inTime(broadcast.run, 5_000)).sent, 300)
      const times = qq.sent.map(({ at }) => new Date(at).toISOString().slice(11, 16))
      assert.isEmpty(times.filter((time) => time >= "14:00" && time < "14:20"))
      assert.isAtLeast(times.filter((time) => time === "13:59").length, 80)
    }).pipe(Effect.provide([stores, qq.layer]))
  })

  it.effect("keeps to a limit of its own over all workers", () => {
    const qq = fakeQQ()
    return Effect.gen(function* () {
      const options = { id: "rate", template_id, rate: { max: 30, window: "minute" } } as const
      const loading = yield* Broadcast.make({ ...options, recipients: users(120) })
      const other = yield* Broadcast.make(options)
      const running = yield* Effect.forkChild(inTime(loading.run, 100))
      yield* Effect.forkChild(Effect.retry(other.run, { times: 3 }))
      assert.strictEqual((yield* Fiber.join(running)).sent, 120)
      const times = qq.sent.map(({ at }) => at)
      const most = Math.max(...times.map((from) => times.filter((at) => at >= from && at < from + 60_000).length))
      assert.isAtMost(most, 30)
      // 98 % of the limit can be used.
      assert.isAtMost(Math.max(...times) - Math.min(...times), 3.2 * 60_000)
    }).pipe(Effect.provide([stores, qq.layer]))
  })

  it.effect("sends nothing while its limit can't be counted", () => {
    let isAway = true
    const qq = fakeQQ()
    const failing = Layer.effect(
      Quota.Quota,
      Effect.map(Quota.makeMemory, (quota) => ({
        ...quota,
        reserve: (reservation: Parameters<typeof quota.reserve>[0]) =>
          isAway ? Effect.fail(new Quota.QuotaError({ problem: "ECONNREFUSED" })) : quota.reserve(reservation)
      }))
    )
    return Effect.gen(function* () {
      const rate = { max: 10, window: "second" } as const
      const broadcast = yield* Broadcast.make({ id: "away", template_id, recipients: users(20), rate })
      const running = yield* Effect.forkChild(inTime(broadcast.run))
      yield* inTime(Effect.sleep("1 minute"))
      assert.strictEqual(qq.asked(), 0)
      isAway = false
      assert.strictEqual((yield* Fiber.join(running)).sent, 20)
    }).pipe(Effect.provide([Layer.merge(stores, failing), qq.layer]))
  })

  it.effect("waits for the messages on their way when it is interrupted, and goes on later", () => {
    const arrived = Latch.makeUnsafe()
    const answer = Latch.makeUnsafe()
    const qq = fakeQQ((openid) =>
      Number(openid.slice(5)) < 20 ? Effect.void : Effect.andThen(arrived.open, answer.await)
    )
    return Effect.gen(function* () {
      const broadcast = yield* Broadcast.make({ id: "shutdown", template_id, recipients: users(100), concurrency: 8 })
      const running = yield* Effect.forkChild(broadcast.run)
      yield* arrived.await
      const ended = yield* Effect.forkChild(Fiber.interrupt(running))
      yield* Effect.yieldNow
      assert.isUndefined(ended.pollUnsafe())
      yield* answer.open
      yield* Fiber.join(ended)
      const { new: left, sending, sent, unknown } = yield* broadcast.progress
      assert.deepStrictEqual([left + sent, sending, unknown], [100, 0, 0])
      assert.strictEqual(sent, qq.sent.length)
      assert.isBelow(sent, 40)
      assert.strictEqual((yield* inTime(broadcast.run)).sent, 100)
      assert.strictEqual(qq.sent.length, 100)
    }).pipe(Effect.provide([stores, qq.layer]))
  })

  it.effect("works in steps of a budget, without a queue", () => {
    const qq = fakeQQ(() => Effect.sleep("100 millis"))
    return Effect.gen(function* () {
      const read: Array<number> = []
      const broadcast = yield* Broadcast.make({
        id: "steps",
        template_id,
        recipients: (skip) => {
          read.push(skip)
          return users(250).slice(skip)
        },
        concurrency: 4,
        chunkSize: 50
      })
      let steps = 0
      for (let state = ""; state !== "finished"; steps++) {
        state = (yield* inTime(broadcast.step({ budget: "2 seconds" }), 50)).state
      }
      assert.isAbove(steps, 3)
      assert.strictEqual(qq.sent.length, 250)
      // A step begins with the first chunk that is not finished.
      assert.deepStrictEqual(
        read,
        [...read].sort((a, b) => a - b)
      )
      assert.strictEqual(read.at(-1), 200)
    }).pipe(Effect.provide([stores, qq.layer]))
  })

  it.effect("continues after the last row, while rows are added to the source and removed from it", () => {
    const qq = fakeQQ(() => Effect.sleep("100 millis"))
    const keyOf = (n: number) => `key ${String(n).padStart(4, "0")}`
    const table = new Map(Array.from({ length: 200 }, (_, i) => [keyOf(100 * i), `user-${i}`]))
    const recipients = (skip: number, after = "") =>
      [...table]
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .filter(([key]) => key > after)
        .map(([mark, openid], i) => new Broadcast.Row({ line: skip + i + 1, mark, value: { openid, keyword1: "x" } }))
    return Effect.gen(function* () {
      const broadcast = yield* Broadcast.makeSteps({
        id: "table",
        template_id,
        recipients,
        concurrency: 4,
        chunkSize: 50
      })
      let progress = yield* broadcast.progress
      for (let n = 0; progress.state !== "finished"; n++) {
        progress = yield* inTime(broadcast.step({ budget: "1 second" }), 50)
        // At the beginning of the chunk in which the step ended, so that the rest of it moves.
        if (n < 4) for (let i = 1; i < 20; i++) table.set(keyOf(100 * progress.rows + 20 * n + i), `new-${n}-${i}`)
        table.delete(keyOf(100 * (progress.rows + 40)))
      }
      assert.deepStrictEqual([progress.new, progress.sending, progress.unknown], [0, 0, 0])
      // The 19 rows that moved to the next chunk look like duplicates, and no others do.
      assert.strictEqual(progress.bad, 19)
      const sent = openids(qq)
      assert.strictEqual(new Set(sent).size, sent.length)
      assert.includeMembers(
        sent,
        [...table.values()].filter((openid) => openid.startsWith("user-"))
      )
    }).pipe(Effect.provide([stores, qq.layer]))
  })

  it.effect("goes on where another process is, if it read other rows", () => {
    const qq = fakeQQ()
    const loaded = Latch.makeUnsafe()
    const rows = (skip: number, all: ReadonlyArray<{ readonly openid: string; readonly keyword1: string }>) =>
      all.slice(skip).map((value, i) => new Broadcast.Row({ line: skip + i + 1, mark: value.openid, value }))
    const fewer = async function* (skip: number, after: string | undefined) {
      // Read from the beginning, but after a row of the first chunk was removed.
      if (after === undefined) await Effect.runPromise(loaded.await)
      yield* after === undefined ? rows(0, users(30).toSpliced(3, 1)) : rows(skip, users(30))
    }
    return Effect.gen(function* () {
      const options = { id: "behind", template_id, chunkSize: 10 }
      const behind = yield* Broadcast.makeSteps({ ...options, recipients: fewer })
      const ahead = yield* Broadcast.makeSteps({
        ...options,
        recipients: (skip) => rows(skip, users(30)),
        rate: { max: 10, window: "hour" }
      })
      const late = yield* Effect.forkChild(inTime(behind.step({ budget: "1 hour" })))
      yield* Effect.yieldNow
      assert.strictEqual((yield* inTime(ahead.step({ budget: "10 seconds" }))).rows, 10)
      yield* loaded.open
      const { rows: read, sent, state } = yield* Fiber.join(late)
      assert.deepStrictEqual([read, sent, state], [30, 30, "finished"])
    }).pipe(Effect.provide([stores, qq.layer]))
  })

  it.effect("ends a step early if nothing may be sent before its end", () => {
    const qq = fakeQQ()
    return Effect.gen(function* () {
      // In Shanghai it is 23:00.
      yield* TestClock.setTime(Date.UTC(2026, 10, 30, 15))
      const options = { template_id, recipients: users(50), quietHours: { from: "22:00", to: "08:00" } }
      const night = yield* Broadcast.makeSteps({ ...options, id: "night" })
      // The clock does not go on.
      assert.strictEqual((yield* night.step({ budget: "50 seconds" })).new, 50)
      yield* TestClock.setTime(Date.UTC(2026, 11, 1, 4))
      const day = yield* Broadcast.makeSteps({ ...options, id: "day", rate: { max: 20, window: "hour" } })
      assert.strictEqual((yield* day.step({ budget: "50 seconds" })).sent, 20)
      assert.strictEqual(qq.sent.length, 20)
    }).pipe(Effect.provide([stores, qq.layer]))
  })

  it.effect("sends once to a recipient who is twice in a chunk, whatever the lines are", () => {
    const qq = fakeQQ()
    const recipients = [1, 2].map((n) => new Broadcast.Row({ line: 1, value: { openid: "a", keyword1: n } }))
    return Effect.gen(function* () {
      const broadcast = yield* Broadcast.makeSteps({ id: "line", template_id, recipients })
      const { bad, sent } = yield* inTime(broadcast.step({ budget: "4 seconds" }))
      assert.deepStrictEqual([bad, sent, qq.asked()], [1, 1, 1])
    }).pipe(Effect.provide([stores, qq.layer]))
  })

  it.effect("leaves a broadcast with a queue to those who have it", () =>
    Effect.gen(function* () {
      const queued = yield* Broadcast.make({ id: "queued", template_id, recipients: users(5) })
      yield* inTime(queued.run)
      const steps = yield* Broadcast.makeSteps({ id: "queued" })
      assert.include(String(yield* Effect.flip(steps.step({ budget: 1_000 }))), "queue")
    }).pipe(Effect.provide([stores, fakeQQ().layer]))
  )

  it.effect("joins what its messages ask of the ledger at the same moment", () => {
    const qq = fakeQQ()
    const asked: Array<number> = []
    const ledger = Layer.effect(
      SendLedger.SendLedger,
      Effect.map(SendLedger.makeMemory, (ledger) =>
        SendLedger.SendLedger.of({
          ...ledger,
          claim: (name, claim) =>
            Effect.andThen(
              Effect.sync(() => asked.push(claim.rows.length)),
              ledger.claim(name, claim)
            ),
          settle: (name, settled) =>
            Effect.andThen(
              Effect.sync(() => asked.push(settled.rows.length)),
              ledger.settle(name, settled)
            )
        })
      )
    )
    return Effect.gen(function* () {
      const broadcast = yield* Broadcast.makeSteps({
        id: "joined",
        template_id,
        recipients: users(64),
        concurrency: 16
      })
      assert.strictEqual((yield* inTime(broadcast.step({ budget: "1 minute" }), 50)).sent, 64)
      assert.deepStrictEqual(asked, [16, 16, 16, 16, 16, 16, 16, 16])
    }).pipe(Effect.provide([Layer.merge(Quota.layerMemory, ledger), qq.layer]))
  })

  it.effect("sends again to those whose outcome is unknown, once for each time it is asked to", () => {
    const qq = fakeQQ((_, tries) =>
      tries === 1
        ? Effect.fail(new QQError.OutcomeUnknown({ because: new QQError.TimedOut({ during: "answer", limit: 1 }) }))
        : Effect.void
    )
    return Effect.gen(function* () {
      const broadcast = yield* Broadcast.make({ id: "unknown", template_id, recipients: users(20) })
      assert.strictEqual((yield* inTime(broadcast.run)).unknown, 20)
      // A pause after the last message keeps nobody waiting.
      assert.isTrue(yield* broadcast.pause)
      const [first] = yield* Effect.all([inTime(broadcast.resendUnknown), inTime(broadcast.resendUnknown)], {
        concurrency: 2
      })
      assert.strictEqual(first.sent, 20)
      assert.strictEqual(qq.asked(), 40)
    }).pipe(Effect.provide([stores, qq.layer]))
  })

  it.effect("ends in time while the store is away: a step with its budget, and what is interrupted soon after", () => {
    let isAway = false
    const qq = fakeQQ(() => Effect.sync(() => void (isAway = true)))
    const failing = Layer.effect(
      SendLedger.SendLedger,
      Effect.map(SendLedger.makeMemory, (ledger) => ({
        ...ledger,
        settle: (...args: Parameters<typeof ledger.settle>) =>
          isAway
            ? Effect.fail(new SendLedger.SendLedgerError({ operation: "settle", problem: "ECONNREFUSED" }))
            : ledger.settle(...args)
      }))
    )
    return Effect.gen(function* () {
      const make = (id: string) => Broadcast.make({ id, template_id, recipients: users(20) })
      const began = yield* Clock.currentTimeMillis
      const stepped = yield* inTime((yield* make("step")).step({ budget: "8 seconds" }))
      assert.isAtMost((yield* Clock.currentTimeMillis) - began, 9_000)
      assert.strictEqual(stepped.sending, 16)
      isAway = false
      const running = yield* Effect.forkChild((yield* make("run")).run)
      yield* inTime(Effect.sleep("2 seconds"))
      yield* inTime(Fiber.interrupt(running))
      assert.isAtMost((yield* Clock.currentTimeMillis) - began, 40_000)
    }).pipe(Effect.provide([Layer.merge(stores, failing), qq.layer]))
  })

  it.effect("goes on with the same recipients only", () => {
    const qq = fakeQQ()
    return Effect.gen(function* () {
      const options = { id: "changed", template_id, chunkSize: 10 }
      const broken = (function* () {
        yield* users(300)
        throw new Error("the cursor broke")
      })()
      const first = yield* Broadcast.make({ ...options, recipients: broken })
      const failed = yield* Effect.result(inTime(first.run))
      assert.isTrue(Result.isFailure(failed) && failed.failure._tag === "SourceError")
      const other = yield* Broadcast.make({ ...options, recipients: users(400).toReversed() })
      const refused = yield* Effect.result(inTime(other.run))
      assert.isTrue(Result.isFailure(refused) && String(refused.failure).includes("recipients"))
      const fewer = yield* Broadcast.make({ ...options, recipients: users(9) })
      assert.isTrue(Result.isFailure(yield* Effect.result(inTime(fewer.run))))
      const same = yield* Broadcast.make({ ...options, recipients: users(400) })
      assert.strictEqual((yield* inTime(same.run)).sent, 400)
      assert.strictEqual((yield* inTime(same.run)).sent, 400)
      // It is finished, and would send to no one else.
      const more = yield* Broadcast.make({ ...options, recipients: users(401) })
      assert.include((yield* Effect.flip(inTime(more.run))).message, "another id")
      assert.strictEqual(qq.sent.length, 400)
    }).pipe(Effect.provide([stores, qq.layer]))
  })

  it.effect("is loaded by processes with the same recipients only, also at the same time", () => {
    const qq = fakeQQ()
    // Each chunk is added by both, before one of them counts it as loaded.
    let waiting: Latch.Latch | undefined
    const both = Effect.suspend((): Effect.Effect<void> => {
      const first = waiting
      waiting = first === undefined ? Latch.makeUnsafe() : undefined
      return first === undefined
        ? Effect.asVoid(Effect.timeoutOption(waiting!.await, "1 minute"))
        : Effect.asVoid(first.open)
    })
    const meeting = Layer.effect(
      SendLedger.SendLedger,
      Effect.map(SendLedger.makeMemory, (ledger) => ({
        ...ledger,
        add: (name: string, rows: Parameters<typeof ledger.add>[1]) => Effect.tap(ledger.add(name, rows), both)
      }))
    )
    return Effect.gen(function* () {
      const options = { id: "orders", template_id, chunkSize: 10 }
      const one = yield* Broadcast.make({ ...options, recipients: users(100) })
      const other = yield* Broadcast.make({ ...options, recipients: users(200).slice(100) })
      const runs = [one.run, other.run].map((run) => Effect.exit(Effect.timeoutOption(inTime(run), "1 hour")))
      const exits = yield* Effect.all(runs, { concurrency: 2 })
      assert.include(String(exits.find(Exit.isFailure)), "recipients")
      assert.isAtMost((yield* one.progress).recipients, 110)
    }).pipe(Effect.provide([Layer.merge(stores, meeting), qq.layer]))
  })

  it.effect("says what is wrong with its options, and that an id is not known", () =>
    Effect.gen(function* () {
      const wrong = yield* Effect.flip(
        Broadcast.make({ id: "a b", recipients: 5, rate: { max: 0, window: "minute" }, timeout: 5 } as never)
      )
      for (const field of ["id", "recipients", "rate", "timeout", "deadline"]) assert.include(wrong.message, field)
      const always = { from: "08:00", to: "8:00" }
      for (const [field, value] of Object.entries({ appid: 5, template_id: "", page: null, quietHours: always })) {
        const error = yield* Effect.flip(Broadcast.make({ id: "a", [field]: value }))
        assert.include(error.message, `${field}: `)
      }
      const rate = { max: 1, window: Infinity }
      assert.include((yield* Effect.flip(Broadcast.make({ id: "a", rate }))).message, "rate")
      const own = yield* Broadcast.make({ id: "own", appid: "1111111111", template_id, recipients: users(1) })
      yield* inTime(own.run)
      const ofAnother = yield* Broadcast.make({ id: "own", appid: "2222222222", template_id, recipients: users(1) })
      assert.include(String(yield* Effect.flip(ofAnother.run)), "1111111111")
      const message = async () => ({ touser: "x", data: { keyword1: { value: "x" } } })
      const waits = yield* Broadcast.make({ id: "waits", template_id, recipients: users(1), message: message as never })
      assert.include(String(yield* Effect.flip(waits.run)), "promise")
      const unknown = yield* Broadcast.make({ id: "nobody" })
      for (const use of [unknown.run, unknown.progress, unknown.pause]) {
        assert.include(String(yield* Effect.flip<unknown, unknown, never>(use)), "not known")
      }
    }).pipe(Effect.provide([stores, fakeQQ().layer]))
  )
})
