/**
 * What each store of a `PersistedQueue` must do, as test cases for any store. The cases use queues with random names.
 * Where something must not be delivered, another element is offered after it: that is the next one, then.
 */
import { assert } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as PersistedQueue from "effect/persistence/PersistedQueue"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { randomUUID } from "node:crypto"
import { fileURLToPath } from "node:url"
import { Holder } from "./processes.ts"
import type { Times } from "./queueStores.ts"
import type { Command, Taken } from "./queueWorker.ts"

type Queue = PersistedQueue.PersistedQueue<string>

/** A store as one process has it. */
interface Opened {
  readonly factory: PersistedQueue.PersistedQueueFactory["Service"]
  /** Removes completed elements, and failed ones, that are as old as this (ms). */
  readonly cleanup: (completed: number, failed?: number) => Effect.Effect<void, unknown>
}

/** Opens the tested store once more, as another process does. */
export type Open = (times?: Times) => Effect.Effect<Opened, unknown, Scope.Scope>

/** Makes an {@link Open} from layers. */
export const opening =
  (layer: (times?: Times) => Layer.Layer<PersistedQueue.PersistedQueueStore, unknown>): Open =>
  (times) =>
    Effect.gen(function* () {
      const context = yield* Layer.build(layer(times))
      const store = yield* Effect.provide(PersistedQueue.PersistedQueueStore, context)
      const cleanup = (completed: number, failed?: number) =>
        store.cleanup({
          timeToLive: Duration.millis(completed),
          failedTimeToLive: failed === undefined ? undefined : Duration.millis(failed)
        })
      return { factory: yield* Effect.provide(PersistedQueue.makeFactory, context), cleanup }
    })

/** A test case. */
export interface Case {
  readonly name: string
  readonly run: (open: Open) => Effect.Effect<void, unknown, Scope.Scope>
}

const make = (name: string, body: (open: Open, queue: string) => Effect.Effect<void, unknown, Scope.Scope>): Case => ({
  name,
  run: (open) => Effect.suspend(() => body(open, randomUUID()))
})

/** A queue that retries at once. */
export const queueOf = ({ factory }: Opened, name: string, maxAttempts = 10) =>
  factory.make({ name, schema: Schema.String, maxAttempts, retrySchedule: Schedule.spaced(0) })

export const offer = (queue: Queue, ...values: ReadonlyArray<string>) =>
  Effect.forEach(values, (value) => queue.offer(value, { id: value }))

export const take = (queue: Queue) => queue.take((value, { attempts }) => Effect.succeed(`${value} ${attempts}`))

/** Takes one and keeps it. `end` ends its handler. */
export const hold = Effect.fnUntraced(function* (queue: Queue) {
  const taken = yield* Deferred.make<string>()
  const end = yield* Deferred.make<void, string>()
  const fiber = yield* Effect.forkScoped(
    Effect.exit(
      queue.take((value, { attempts }) =>
        Effect.andThen(Deferred.succeed(taken, `${value} ${attempts}`), Deferred.await(end))
      )
    )
  )
  return { taken: yield* Deferred.await(taken), end, fiber }
})

/** Cleans up until the id can be offered again. The time to live is zero. */
const cleanUntilForgotten = Effect.fnUntraced(function* (
  { cleanup }: Opened,
  queue: Queue,
  id: string,
  failed?: number
) {
  for (let round = 0; ; round++) {
    yield* cleanup(0, failed)
    yield* offer(queue, id, `marker ${round}`)
    const next = yield* take(queue)
    if (next === `${id} 1`) return
    assert.strictEqual(next, `marker ${round} 1`)
  }
})

/** What every store does. */
export const cases: ReadonlyArray<Case> = [
  make(
    "elements come in the order of their offers, once each, whoever waits",
    Effect.fnUntraced(function* (open, name) {
      const queue = yield* queueOf(yield* open(), name)
      yield* offer(queue, "a", "b", "c")
      assert.deepStrictEqual([yield* take(queue), yield* take(queue), yield* take(queue)], ["a 1", "b 1", "c 1"])
      const values = Array.from({ length: 30 }, (_, i) => `${i}`)
      const taking = yield* Effect.forkChild(
        Effect.all(
          values.map(() => take(queue)),
          { concurrency: "unbounded" }
        )
      )
      yield* offer(queue, ...values)
      assert.sameMembers(
        yield* Fiber.join(taking),
        values.map((value) => `${value} 1`)
      )
    })
  ),
  make(
    "a waiting worker is woken by an offer of its process, not by the next poll",
    Effect.fnUntraced(function* (open, name) {
      const queue = yield* queueOf(yield* open({ pollInterval: 3_600_000 }), name)
      for (const value of ["a", "b"]) {
        const taking = yield* Effect.forkChild(take(queue), { startImmediately: true })
        yield* offer(queue, value)
        assert.strictEqual(yield* Fiber.join(taking), `${value} 1`)
      }
    })
  ),
  make(
    "an id is taken once by its queue, also after it was completed; another queue knows nothing of it",
    Effect.fnUntraced(function* (open, name) {
      const store = yield* open()
      const queue = yield* queueOf(store, name)
      const other = yield* queueOf(store, `${name} other`)
      yield* offer(queue, "a", "a")
      assert.strictEqual(yield* take(queue), "a 1")
      yield* offer(queue, "a", "b")
      assert.strictEqual(yield* take(queue), "b 1")
      yield* offer(other, "a")
      assert.strictEqual(yield* take(other), "a 1")
    })
  ),
  make(
    "a delayed element holds up nobody, and comes when it is due",
    Effect.fnUntraced(function* (open, name) {
      const queue = yield* queueOf(yield* open(), name)
      yield* queue.offer("in an hour", { delay: "1 hour" })
      yield* queue.offer("never", { delay: "1000000000 weeks" })
      yield* queue.offer("soon", { id: "soon", delay: 50 })
      yield* queue.offer("soon", { id: "soon" })
      assert.strictEqual(yield* take(queue), "soon 1")
      yield* offer(queue, "now")
      assert.strictEqual(yield* take(queue), "now 1")
    })
  ),
  make(
    "a failure is the caller's, and is repeated until the attempts are used up; then it keeps its id until it is cleaned up",
    Effect.fnUntraced(function* (open, name) {
      const store = yield* open()
      const queue = yield* queueOf(store, name, 3)
      yield* offer(queue, "a")
      for (const attempt of [1, 2, 3]) {
        const error = yield* Effect.flip(queue.take((value, { attempts }) => Effect.fail(`${value} ${attempts}`)))
        assert.strictEqual(error, `a ${attempt}`)
      }
      yield* store.cleanup(0)
      yield* offer(queue, "a", "b")
      assert.strictEqual(yield* take(queue), "b 1")
      yield* cleanUntilForgotten(store, queue, "a", 0)
    })
  ),
  make(
    "the delay of a retry is that of its attempt",
    Effect.fnUntraced(function* (open, name) {
      const { factory } = yield* open()
      const retrySchedule = Schedule.spaced("1 hour")
      const queue = yield* factory.make({ name, schema: Schema.String, retrySchedule })
      yield* offer(queue, "a")
      yield* Effect.flip(queue.take(() => Effect.fail("no")))
      yield* offer(queue, "b")
      assert.strictEqual(yield* take(queue), "b 1")
    })
  ),
  make(
    "an interruption gives the element back and counts no attempt; a defect counts",
    Effect.fnUntraced(function* (open, name) {
      const queue = yield* queueOf(yield* open(), name)
      yield* offer(queue, "a")
      for (let i = 0; i < 2; i++) {
        const { fiber, taken } = yield* hold(queue)
        assert.strictEqual(taken, "a 1")
        yield* Fiber.interrupt(fiber)
      }
      yield* Effect.exit(queue.take(() => Effect.die("a defect")))
      assert.strictEqual(yield* take(queue), "a 2")
      const waiting = yield* Effect.forkChild(take(queue))
      yield* Fiber.interrupt(waiting)
      yield* offer(queue, "b")
      assert.strictEqual(yield* take(queue), "b 1")
    })
  ),
  make(
    "an element that does not fit the schema is passed over, and has failed",
    Effect.fnUntraced(function* (open, name) {
      const store = yield* open()
      const retrySchedule = Schedule.spaced("1 hour")
      const numbers = yield* store.factory.make({ name, schema: Schema.Finite, retrySchedule })
      const texts = yield* queueOf(store, name)
      yield* offer(texts, "a")
      yield* numbers.offer(5)
      assert.strictEqual(yield* numbers.take(Effect.succeed), 5)
      yield* cleanUntilForgotten(store, texts, "a", 0)
    })
  ),
  make(
    "ids and values of any characters: quotes, zeros, emoji, half of an emoji",
    Effect.fnUntraced(function* (open, name) {
      const queue = yield* queueOf(yield* open(), `${name} '"\\{}:*`)
      const odd = `'"\\ \0 \u2028 😀 \uD83D 中文 ${"long ".repeat(20_000)}`
      yield* offer(queue, odd, odd, "\uDE00", "\uDE00", "")
      assert.strictEqual(yield* take(queue), `${odd} 1`)
      assert.strictEqual(yield* take(queue), "\uDE00 1")
      assert.strictEqual(yield* take(queue), " 1")
      yield* offer(queue, odd, "b")
      assert.strictEqual(yield* take(queue), "b 1")
    })
  ),
  make(
    "cleanup forgets completed elements after their time to live, and nothing that is still to be done",
    Effect.fnUntraced(function* (open, name) {
      const store = yield* open()
      const queue = yield* queueOf(store, name)
      yield* offer(queue, "a")
      yield* take(queue)
      yield* store.cleanup(3_600_000)
      yield* offer(queue, "a", "b")
      assert.strictEqual(yield* take(queue), "b 1")
      yield* offer(queue, "held")
      const { end, fiber } = yield* hold(queue)
      yield* cleanUntilForgotten(store, queue, "a")
      yield* offer(queue, "held")
      yield* Deferred.fail(end, "no")
      yield* Fiber.join(fiber)
      const rest = yield* Effect.all([take(queue), take(queue)])
      assert.include(rest, "held 2")
    })
  )
]

const short: Times = { lockExpiration: 1_000, lockRefreshInterval: 100, pollInterval: 50 }
const long: Times = { lockExpiration: 60_000, lockRefreshInterval: 100, pollInterval: 50 }

/** Runs as in a process that stands still whenever it waits for a time: it never renews a lock. */
const stalled = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.updateService(effect, Clock.Clock, (clock) =>
    Object.assign(Object.create(clock), { sleep: () => Effect.never })
  )

/** Takes one in such a process, and keeps it. */
const holdStalled = (open: Open, times: Times, name: string, maxAttempts?: number) =>
  stalled(Effect.flatMap(open(times), (store) => Effect.flatMap(queueOf(store, name, maxAttempts), hold)))

/** What stores with locks do. */
export const lockCases: ReadonlyArray<Case> = [
  make(
    "a holder whose lock has expired ends nothing of the next one",
    Effect.fnUntraced(function* (open, name) {
      const queue = yield* queueOf(yield* open(long), name)
      for (const [value, end] of [
        ["completed", Effect.void],
        ["failed", Effect.fail("no")],
        ["interrupted", Effect.interrupt]
      ] as const) {
        yield* offer(queue, value)
        const first = yield* holdStalled(open, short, name)
        assert.strictEqual(first.taken, `${value} 1`)
        const second = yield* hold(queue)
        assert.strictEqual(second.taken, `${value} 2`)
        yield* Deferred.done(first.end, yield* Effect.exit(end))
        yield* Fiber.join(first.fiber)
        // Nobody gets it while the next one has it, and it is as it was when that fails.
        yield* offer(queue, `after ${value}`)
        assert.strictEqual(yield* take(queue), `after ${value} 1`)
        yield* Deferred.fail(second.end, "no")
        yield* Fiber.join(second.fiber)
        assert.strictEqual(yield* take(queue), `${value} 3`)
      }
    })
  ),
  make(
    "a lock is renewed for as long as the handler lives",
    Effect.fnUntraced(function* (open, name) {
      const times = { ...short, lockExpiration: 5_000 }
      const queue = yield* queueOf(yield* open(times), name)
      yield* offer(queue, "kept", "lost")
      const kept = yield* hold(queue)
      const lost = yield* holdStalled(open, times, name)
      assert.deepStrictEqual([kept.taken, lost.taken], ["kept 1", "lost 1"])
      // Whose lock is younger.
      assert.strictEqual(yield* take(queue), "lost 2")
      yield* Deferred.succeed(kept.end, undefined)
      assert.strictEqual((yield* Fiber.join(kept.fiber))._tag, "Success")
      yield* offer(queue, "kept", "end")
      assert.strictEqual(yield* take(queue), "end 1")
    })
  ),
  make(
    "an element whose lock expires in its last attempt has failed",
    Effect.fnUntraced(function* (open, name) {
      const store = yield* open(long)
      const queue = yield* queueOf(store, name, 1)
      yield* offer(queue, "a")
      yield* holdStalled(open, short, name, 1)
      yield* cleanUntilForgotten(store, queue, "a", 0)
    })
  )
]

/** Starts `queueWorker.ts`. */
export const startWorker = Effect.fnUntraced(function* (address: string, queue: string, times: Times = {}) {
  const file = fileURLToPath(new URL("queueWorker.ts", import.meta.url))
  const worker = yield* Effect.acquireRelease(
    Effect.promise(() => Holder.spawn([process.execPath, file, address, queue, JSON.stringify(times)])),
    (worker) => Effect.promise(() => worker.kill())
  )
  return {
    ask: (command: Command): Effect.Effect<ReadonlyArray<Taken>> => Effect.promise(() => worker.ask(command)),
    kill: Effect.promise(() => worker.kill())
  }
})

/** What stores do for several processes, at the address of a store. */
export const processCases: ReadonlyArray<{
  readonly name: string
  readonly run: (address: string, open: Open) => Effect.Effect<void, unknown, Scope.Scope>
}> = [
  {
    name: "kill -9: what was offered is there, and what the process had goes to another one, with its attempt counted",
    run: Effect.fnUntraced(function* (address, open) {
      const name = randomUUID()
      const queue = yield* queueOf(yield* open(long), name)
      const worker = yield* startWorker(address, name, short)
      yield* worker.ask({ do: "offer", values: ["a", "b", "c"] })
      assert.deepStrictEqual(yield* worker.ask({ do: "hold" }), [{ value: "a", attempts: 1 }])
      yield* worker.kill
      assert.sameMembers([yield* take(queue), yield* take(queue), yield* take(queue)], ["a 2", "b 1", "c 1"])
    })
  },
  {
    name: "three processes take each element once",
    run: Effect.fnUntraced(function* (address, open) {
      const name = randomUUID()
      const queue = yield* queueOf(yield* open(), name)
      const workers = yield* Effect.all([1, 2, 3].map(() => startWorker(address, name)))
      const values = Array.from({ length: 60 }, (_, i) => `${i}`)
      const taking = yield* Effect.forkChild(
        Effect.forEach(workers, (worker) => worker.ask({ do: "take", times: 20 }), { concurrency: "unbounded" })
      )
      yield* offer(queue, ...values)
      assert.sameMembers(
        (yield* Fiber.join(taking)).flat().map(({ attempts, value }) => `${value} ${attempts}`),
        values.map((value) => `${value} 1`)
      )
    })
  }
]
