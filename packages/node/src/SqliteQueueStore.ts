/**
 * The elements of a `PersistedQueue` in an SQLite file: a durable queue for the processes of one machine, without a
 * package to install or a server to run. What it promises is what the stores of `effect` promise. The file may be the
 * one of other stores, and must be on a local disk.
 *
 * ```ts
 * const queue = PersistedQueue.layer.pipe(Layer.provide(SqliteQueueStore.layer({ path: "bulk.sqlite" })))
 * ```
 *
 * Elements are taken in the order in which they were offered. An element that becomes due later, after a delay, a
 * failure or the end of its worker, comes before those that were offered after it. A completed element leaves only its
 * id, for de-duplication, until `PersistedQueue.layerCleanup` removes it.
 */
import { rareWarning } from "@qq-mini/core/adapter/rarely"
import { checkNames } from "@qq-mini/core/adapter/Setup"
import { invalidConfig } from "@qq-mini/core/App"
import type { QQError } from "@qq-mini/core/QQError"
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Latch from "effect/Latch"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as PersistedQueue from "effect/persistence/PersistedQueue"
import { isTagged } from "effect/Predicate"
import * as Result from "effect/Result"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import { randomUUID } from "node:crypto"
import type { SQLInputValue } from "node:sqlite"
import { names, openTransactions, type Options as FileOptions } from "./sqlite/database.ts"

/** The options of the store. */
export interface Options extends FileOptions {
  /** How often a waiting worker looks for elements of other processes. By default 200 ms. */
  readonly pollInterval?: Duration.Input | undefined
  /** How often a worker renews the lock of its element. By default 30 seconds. */
  readonly lockRefreshInterval?: Duration.Input | undefined
  /** After this time the element of a worker that has died is given to another one. By default 90 seconds. */
  readonly lockExpiration?: Duration.Input | undefined
}

// T10: the times are those of SQLite's clock. `due` is when an element can be taken: at once (0), after its delay, or,
// while a worker has it, at the end of the lock. It is NULL once the element is completed or failed.
const schema = `
  CREATE TABLE IF NOT EXISTS queue (
    sequence INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    id TEXT NOT NULL,
    element TEXT,
    attempts INTEGER NOT NULL DEFAULT 0,
    due INTEGER,
    claim TEXT,
    failure TEXT,
    ended INTEGER,
    UNIQUE (name, id)
  ) STRICT;
  CREATE INDEX IF NOT EXISTS queue_due ON queue (name, due, sequence) WHERE due IS NOT NULL;
  CREATE INDEX IF NOT EXISTS queue_ended ON queue (ended) WHERE ended IS NOT NULL;`

// Of the first element that was never delayed and the one that is due for longest, the one that was offered first.
const take = `UPDATE queue SET attempts = attempts + 1, claim = ?, due = ?
  WHERE sequence = (SELECT min(sequence) FROM (
    SELECT * FROM (SELECT sequence FROM queue WHERE name = ? AND due = 0 ORDER BY sequence LIMIT 1)
    UNION ALL
    SELECT * FROM (SELECT sequence FROM queue WHERE name = ? AND due > 0 AND due <= ? ORDER BY due LIMIT 1)))
  RETURNING sequence, id, element, attempts`

const cleanupBatch = 1_000
// Completed elements have none any more.
const cleanup = (element: "NULL" | "NOT NULL") => `DELETE FROM queue
  WHERE sequence IN (SELECT sequence FROM queue WHERE ended <= ? AND element IS ${element} LIMIT ${cleanupBatch})
  RETURNING 1`

// The longest time that SQLite's integers are asked to hold (ms).
const longestMillis = 1e15
const millisOf = (duration: Duration.Duration): number =>
  Math.min(Math.ceil(Duration.toMillis(duration)), longestMillis)

// Pause after a failure of the file (ms).
const outagePauseMillis = 1_000

const checked = Effect.fnUntraced(function* (options: Options) {
  const durations = { pollInterval: 200, lockRefreshInterval: 30_000, lockExpiration: 90_000 }
  yield* checkNames(options, { ...names, pollInterval: [], lockRefreshInterval: [], lockExpiration: [] })
  for (const name of ["pollInterval", "lockRefreshInterval", "lockExpiration"] as const) {
    const duration = Duration.fromInput(options[name] ?? durations[name])
    if (Option.isNone(duration) || !Duration.isPositive(duration.value) || !Duration.isFinite(duration.value)) {
      return yield* invalidConfig(
        name,
        'must be a time longer than zero, as "30 seconds" or a number of milliseconds',
        '必须是大于零的时长，如 "30 seconds" 或毫秒数'
      )
    }
    durations[name] = millisOf(duration.value)
  }
  if (durations.lockRefreshInterval >= durations.lockExpiration) {
    return yield* invalidConfig(
      "lockRefreshInterval",
      "must be shorter than lockExpiration, or locks expire before they are renewed",
      "必须短于 lockExpiration，否则锁在续期之前就已过期"
    )
  }
  return durations
})

/** What `PersistedQueue` says of an element that does not fit the schema: it can never be handled. */
const undecodable = (cause: Cause.Cause<unknown>): Cause.Cause<unknown> | undefined => {
  for (const reason of cause.reasons) {
    const error = Cause.isFailReason(reason) ? reason.error : undefined
    if (isTagged(error, "~effect/persistence/PersistedQueue/DeadLetter"))
      return Object.values<unknown>(error).find(Cause.isCause)
  }
  return undefined
}

/** An element with its id. */
interface Taken {
  readonly id: string
  readonly attempts: number
  readonly element: unknown
}

/** The claim of an element. It is another one each time the element is taken. */
interface Held {
  readonly sequence: number
  readonly claim: string
}

/** The columns that are changed at a time on SQLite's clock. */
type Change = (now: number) => Readonly<Record<string, SQLInputValue>>

const complete: Change = (now) => ({ due: null, claim: null, ended: now, failure: null, element: null })
const fail =
  (failure: string): Change =>
  (now) => ({ due: null, claim: null, ended: now, failure })

const failed = (en: string, zh: string) => (problem: string) =>
  new PersistedQueue.PersistedQueueError({ message: `${en} (${problem})\n${zh}（${problem}）` })

/**
 * Makes the store. It closes the file when the scope is closed. If the file can't be used, it fails with a `QQError`
 * that names the setting and the fix. Later, while the file is locked or can't be written, workers wait, and an offer
 * fails.
 */
export const make = Effect.fnUntraced(function* (
  options: Options
): Effect.fn.Return<PersistedQueue.PersistedQueueStore["Service"], QQError, Scope.Scope> {
  const { lockExpiration, lockRefreshInterval, pollInterval } = yield* checked(options)
  const { path, setting } = options
  const transact = yield* openTransactions({ path, setting }, schema)
  const warn = rareWarning()

  // Workers of this process. One of them at a time looks for an element, and an offer wakes it.
  const queues = new Map<string, { readonly turn: Semaphore.Semaphore; readonly changed: Latch.Latch }>()
  const queueOf = (name: string) => {
    const queue = queues.get(name) ?? { turn: Semaphore.makeUnsafe(1), changed: Latch.makeUnsafe() }
    queues.set(name, queue)
    return queue
  }

  const untilExpired = Schedule.spaced(outagePauseMillis).pipe(Schedule.upTo({ duration: lockExpiration }))
  const write = (held: Held, change: Change) =>
    transact("write", (sql, now) => {
      const columns = change(now)
      return sql(
        // Only the holder of the claim: an element whose lock has expired may be another worker's by now.
        `UPDATE queue SET ${Object.keys(columns).map((name) => `${name} = ?`)} WHERE sequence = ? AND claim = ?`,
        ...Object.values(columns),
        held.sequence,
        held.claim
      )
    })
  const settle = (held: Held, change: Change) =>
    write(held, change).pipe(
      Effect.retry(untilExpired),
      Effect.catch((problem) =>
        Effect.logWarning(`The end of an element of a queue can't be written (${problem}): it is delivered again`)
      )
    )
  const renew = (held: Held) =>
    Effect.sleep(lockRefreshInterval).pipe(
      Effect.andThen(write(held, (now) => ({ due: now + lockExpiration }))),
      Effect.catch((problem) => warn(`The lock of an element of a queue can't be renewed (${problem})`)),
      Effect.forever
    )
  const removed = (element: "NULL" | "NOT NULL", timeToLive: Duration.Duration) =>
    transact("write", (sql, now) => sql(cleanup(element), now - millisOf(timeToLive)).length).pipe(
      Effect.repeat({ while: (count) => count === cleanupBatch, schedule: Schedule.spaced("10 millis") })
    )

  return PersistedQueue.PersistedQueueStore.of({
    offer: ({ delay, element, id, name }) =>
      // On the disk: what was offered must survive a power failure, too.
      transact("lasting", (sql, now) =>
        sql(
          "INSERT INTO queue (name, id, element, due) VALUES (?, ?, ?, ?) ON CONFLICT (name, id) DO NOTHING",
          name,
          id,
          JSON.stringify(element),
          delay === undefined ? 0 : now + millisOf(delay)
        )
      ).pipe(
        Effect.mapBoth({
          onSuccess: () => void queueOf(name).changed.openUnsafe(),
          onFailure: failed("The element can't be added to the queue", "无法将元素加入队列")
        })
      ),
    take: ({ maxAttempts, name, retryDelay }) => {
      const { changed, turn } = queueOf(name)
      const end = Effect.fnUntraced(function* (held: Held, attempts: number, exit: Exit.Exit<unknown, unknown>) {
        if (exit._tag === "Success") return yield* settle(held, complete)
        const dead = undecodable(exit.cause)
        if (dead === undefined && Cause.hasInterruptsOnly(exit.cause)) {
          yield* settle(held, () => ({ due: 0, claim: null, attempts: attempts - 1 }))
        } else {
          const failure = Cause.pretty(dead ?? exit.cause)
          if (dead !== undefined || attempts >= maxAttempts) return yield* settle(held, fail(failure))
          const delay = millisOf(yield* retryDelay(attempts))
          yield* settle(held, (now) => ({ due: now + delay, claim: null, failure }))
        }
        changed.openUnsafe()
      })
      const next: Effect.Effect<Taken | undefined, string, Scope.Scope> = Effect.gen(function* () {
        const claim = randomUUID()
        const [row] = yield* transact("write", (sql, now) => sql(take, claim, now + lockExpiration, name, name, now))
        if (row === undefined) return undefined
        const held = { sequence: Number(row["sequence"]), claim }
        const attempts = Number(row["attempts"])
        const element = Result.try((): unknown => JSON.parse(String(row["element"])))
        if (attempts > maxAttempts || Result.isFailure(element)) {
          const failure = attempts > maxAttempts ? "Lock expired after final attempt" : "The element is not JSON"
          return yield* Effect.andThen(settle(held, fail(failure)), next)
        }
        yield* Effect.addFinalizer((exit) => end(held, attempts, exit))
        yield* Effect.forkScoped(Effect.interruptible(renew(held)))
        return { id: String(row["id"]), attempts, element: element.success }
      })
      return turn.withPermit(
        Effect.gen(function* () {
          while (true) {
            changed.closeUnsafe()
            // The claim of an element and its finalizer belong together.
            const found = yield* Effect.catch(Effect.uninterruptible(next), (problem) =>
              warn(`No element of the queue ${name} can be taken (${problem}): its workers wait`).pipe(
                Effect.andThen(Effect.delay(Effect.undefined, outagePauseMillis))
              )
            )
            if (found !== undefined) return found
            yield* Effect.raceFirst(changed.await, Effect.sleep(pollInterval))
          }
        })
      )
    },
    cleanup: ({ failedTimeToLive, timeToLive }) =>
      removed("NULL", timeToLive).pipe(
        Effect.andThen(failedTimeToLive === undefined ? Effect.succeed(0) : removed("NOT NULL", failedTimeToLive)),
        Effect.mapBoth({
          onSuccess: () => {},
          onFailure: failed("Old elements of the queue can't be removed", "无法清理队列中的旧元素")
        })
      )
  })
})

/** The store in a file. Fails as {@link make} does. */
export const layer = (options: Options): Layer.Layer<PersistedQueue.PersistedQueueStore, QQError> =>
  Layer.effect(PersistedQueue.PersistedQueueStore, make(options))
