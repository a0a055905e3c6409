/** Stores of a `PersistedQueue` on their real engines: ours must do as those of `effect` do. */
import { assert, describe, it } from "@effect/vitest"
import type { QQError } from "@qq-mini/core/QQError"
import * as RedisStores from "@qq-mini/node/RedisStores"
import * as SqliteQueueStore from "@qq-mini/node/SqliteQueueStore"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as PersistedQueue from "effect/persistence/PersistedQueue"
import * as RedisService from "effect/persistence/Redis"
import { mkdtempSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { afterAll, beforeAll } from "vitest"
import {
  cases,
  hold,
  lockCases,
  offer,
  opening,
  type Open,
  processCases,
  queueOf,
  startWorker,
  take
} from "./support/queueCases.ts"
import { overRedis, storeAt } from "./support/queueStores.ts"
import { Redis } from "./support/redis.ts"

let redis: Redis
beforeAll(async () => {
  redis = await Redis.start("--appendonly", "yes", "--appendfsync", "always")
})
afterAll(() => redis[Symbol.asyncDispose]())

const newFile = () => join(mkdtempSync(join(tmpdir(), "qq-mini-queue-")), "queue.sqlite")

describe("a queue in memory", () => {
  for (const { name, run } of cases) {
    it.live(name, () => Effect.scoped(run(opening(() => PersistedQueue.layerStoreMemory))))
  }
})

const addresses: Readonly<Record<string, () => string>> = { SQLite: newFile, Redis: () => redis.url }

describe.each(Object.entries(addresses))("a queue in %s", (_, address) => {
  const at = (address: string): Open => opening((times) => storeAt(address, times))
  for (const { name, run } of [...cases, ...lockCases]) it.live(name, () => Effect.scoped(run(at(address()))))
  for (const { name, run } of processCases) {
    it.live(name, () => {
      const shared = address()
      return Effect.scoped(run(shared, at(shared)))
    })
  }
})

/** The first warning, as an event; all others are dropped. */
const firstWarning = Effect.gen(function* () {
  const said = yield* Deferred.make<string>()
  const logger = Logger.make<unknown, void>(({ logLevel, message }) => {
    if (logLevel === "Warn") Deferred.doneUnsafe(said, Effect.succeed(String(message)))
  })
  return { said: Deferred.await(said), logger: Logger.layer([logger]) }
})

describe("a queue in SQLite", () => {
  it.live("whose file fails: its workers wait and say so, an end is written later, an offer fails", () =>
    Effect.gen(function* () {
      const path = newFile()
      const { logger, said } = yield* firstWarning
      const run = Effect.gen(function* () {
        const open = opening(() => SqliteQueueStore.layer({ path, pollInterval: 50 }))
        const queue = yield* queueOf(yield* open(), "q")
        const database = yield* Effect.acquireRelease(
          Effect.sync(() => new DatabaseSync(path, { timeout: 5_000 })),
          (database) => Effect.sync(() => database.close())
        )
        yield* offer(queue, "a")
        const ended = yield* Effect.forkChild(
          queue.take(() => Effect.sync(() => database.exec("ALTER TABLE queue RENAME TO away")))
        )
        const waiting = yield* Effect.forkChild(take(queue))
        assert.include(yield* said, "(SQL logic error)")
        const error = yield* Effect.flip(offer(queue, "b"))
        assert.match(error.message, /can't be added to the queue \(SQL logic error\)\n.*队列（SQL logic error）/)
        database.exec("ALTER TABLE away RENAME TO queue")
        yield* Fiber.join(ended)
        yield* offer(queue, "b")
        assert.strictEqual(yield* Fiber.join(waiting), "b 1")
        // Only the id is kept.
        assert.deepStrictEqual(
          database
            .prepare("SELECT id, element, due, ended > 0 AS ended FROM queue")
            .all()
            .map((row) => ({ ...row })),
          ["a", "b"].map((id) => ({ id, element: null, due: null, ended: 1 }))
        )
      })
      yield* Effect.provide(run, logger)
    }).pipe(Effect.scoped)
  )

  const wrong: ReadonlyArray<readonly [object, string]> = [
    [{ lockExpiration: 0 }, "lockExpiration: must be a time longer than zero"],
    [{ pollInterval: "soon" }, "pollInterval: must be a time longer than zero"],
    [{ lockRefreshInterval: "2 minutes" }, "lockRefreshInterval: must be shorter than lockExpiration"],
    [{ interval: 5 }, "interval: is not an option"]
  ]
  it.effect.each(wrong)("I1: refuses options that can't work: %o", ([options, problem]) =>
    Effect.gen(function* () {
      const error: QQError = yield* Effect.flip(SqliteQueueStore.make({ path: newFile(), ...options }))
      assert.include(error.message, problem)
      assert.match(error.help.zh, /[一-鿿]/)
    }).pipe(Effect.scoped)
  )
})

describe("a queue in Redis", () => {
  it.live("that is restarted: a process that lived through it gets what a dead one had, and gives back its own", () =>
    Effect.gen(function* () {
      const { logger } = yield* firstWarning
      const failed = yield* Deferred.make<void>()
      // Tells that the fiber which recovers elements of dead workers has met the outage.
      const watched = Layer.effect(
        RedisService.Redis,
        Effect.map(RedisService.Redis, (redis) =>
          RedisService.Redis.of({
            ...redis,
            eval:
              (script) =>
              (...params) =>
                Effect.tapError(redis.eval(script)(...params), () =>
                  script.lua.includes("Lock expired after final attempt")
                    ? Deferred.succeed(failed, undefined)
                    : Effect.void
                )
          })
        )
      ).pipe(Layer.provide(RedisStores.layerRedis({ url: redis.url })))
      const times = { lockExpiration: 10_000, lockRefreshInterval: 100, pollInterval: 50 }
      const run = Effect.gen(function* () {
        const worker = yield* startWorker(redis.url, "restarted", times)
        yield* worker.ask({ do: "offer", values: ["a", "b"] })
        yield* worker.ask({ do: "hold" })
        const open = opening(() => overRedis(watched, times))
        const queue = yield* queueOf(yield* open(), "restarted")
        const held = yield* hold(queue)
        const taking = yield* Effect.forkChild(Effect.all([take(queue), take(queue)]))
        yield* worker.kill
        yield* Effect.promise(() => redis.stop())
        const ending = yield* Effect.forkChild(Fiber.interrupt(held.fiber))
        yield* Deferred.await(failed)
        yield* Effect.promise(() => redis.start())
        yield* Fiber.join(ending)
        assert.sameMembers(yield* Fiber.join(taking), ["a 2", "b 1"])
      })
      yield* Effect.provide(run, logger)
    }).pipe(Effect.scoped)
  )
})
