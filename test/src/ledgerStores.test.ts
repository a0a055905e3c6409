/** The ledgers of broadcasts against their contract, on their real engines, and shared by processes. */
import { assert, describe, it } from "@effect/vitest"
import * as RedisSendLedger from "@qq-mini/core/RedisSendLedger"
import * as SendLedger from "@qq-mini/core/SendLedger"
import * as SendLedgerConformance from "@qq-mini/core/testing/SendLedgerConformance"
import * as UpstashStores from "@qq-mini/edge/UpstashStores"
import * as RedisStores from "@qq-mini/node/RedisStores"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import type { Redis as PersistenceRedis } from "effect/persistence/Redis"
import { Cluster as IoCluster } from "ioredis"
import { mkdtempSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { fileURLToPath } from "node:url"
import { afterAll, beforeAll } from "vitest"
import { ledgerAt } from "./support/ledgers.ts"
import type { Command } from "./support/ledgerWorker.ts"
import { Holder } from "./support/processes.ts"
import { Redis } from "./support/redis.ts"
import { Cluster } from "./support/redisGroups.ts"
import { startUpstash, type Upstash } from "./support/upstash.ts"

const folder = mkdtempSync(join(tmpdir(), "qq-mini-ledger-"))
const file = join(folder, "ledger.sqlite")
let redis: Redis
let cluster: Cluster
let upstash: Upstash
let ioCluster: IoCluster
beforeAll(async () => {
  redis = await Redis.start()
  cluster = await Cluster.start()
  upstash = await startUpstash(redis.url)
  const { port } = cluster.masters[0]!
  ioCluster = new IoCluster([{ host: "127.0.0.1", port }])
  // It says when the servers end, too.
  ioCluster.on("error", () => {})
})
afterAll(async () => {
  ioCluster.disconnect()
  for (const one of [upstash, cluster, redis]) await one[Symbol.asyncDispose]()
})

const overRedis = <E>(layer: () => Layer.Layer<PersistenceRedis, E>) =>
  RedisSendLedger.layer().pipe(Layer.provide(Layer.suspend(layer)))

const stores = {
  memory: SendLedger.layerMemory,
  SQLite: ledgerAt(file),
  Redis: Layer.suspend(() => ledgerAt(redis.url)),
  "a cluster": Layer.suspend(() => ledgerAt(cluster.url)),
  "a cluster of ioredis": overRedis(() => RedisStores.layerRedisFromClient(ioCluster)),
  Upstash: overRedis(() => UpstashStores.layerRedis({ url: upstash.url, token: upstash.token }))
}

/** Without the warning that the servers of these tests keep nothing. */
const quietly = Effect.provide(Logger.layer([]))

for (const [name, store] of Object.entries(stores)) {
  describe(`the contract of ledgers: ${name}`, () => {
    for (const { name, run } of SendLedgerConformance.cases) it.live(name, () => quietly(Effect.provide(run, store)))
  })
}

const program = [process.execPath, fileURLToPath(new URL("support/ledgerWorker.ts", import.meta.url))]

describe("four processes that claim the same rows at once get each row once", () => {
  const shared: Readonly<Record<string, () => string>> = { SQLite: () => file, Redis: () => redis.url }
  it.each(Object.entries(shared))("%s", async (_, address) => {
    const broadcast = "shared by processes"
    const recipients = Array.from({ length: 2_000 }, (_, i) => `recipient ${i}`)
    const rows = recipients.map((recipient, i) => ({ recipient, line: i + 1 }))
    const use = <A, E>(f: (ledger: SendLedger.SendLedger["Service"]) => Effect.Effect<A, E>) =>
      SendLedger.SendLedger.pipe(Effect.flatMap(f), Effect.provide(ledgerAt(address())), quietly, Effect.runPromise)
    await use((ledger) => Effect.andThen(ledger.create(broadcast, ""), ledger.add(broadcast, rows)))
    await using processes = new AsyncDisposableStack()
    const workers = await Promise.all([1, 2, 3, 4].map(() => Holder.spawn([...program, address()])))
    for (const worker of workers) processes.use(worker)
    const got: ReadonlyArray<ReadonlyArray<string>> = await Promise.all(
      workers.map((worker, i) => {
        // Two go forwards and two go backwards, in batches that overlap in part.
        const order = i % 2 === 0 ? recipients : recipients.toReversed()
        const length = 7 + i
        const batches = Array.from({ length: Math.ceil(order.length / length) }, (_, n) =>
          order.slice(n * length, (n + 1) * length)
        )
        return worker.ask({ do: "claim", broadcast, claim: `worker ${i}`, batches } satisfies Command)
      })
    )
    assert.deepStrictEqual(got.flat().sort(), [...recipients].sort())
    const entry = await use((ledger) => ledger.read(broadcast))
    assert.deepStrictEqual(entry?.counts, { new: 0, sending: 0, sent: 2_000, unknown: 0, refused: {} })
  })
})

it.live("a broadcast that is removed leaves no rows in SQLite", () => {
  const path = join(folder, "removed.sqlite")
  return Effect.gen(function* () {
    const ledger = yield* SendLedger.SendLedger
    const recipients = Array.from({ length: 2_500 }, (_, i) => `recipient ${i}`)
    yield* ledger.create("removed", "")
    yield* ledger.add(
      "removed",
      recipients.map((recipient, i) => ({ recipient, line: i + 1 }))
    )
    const rows = recipients.map((recipient) => ({ recipient, message: "" }))
    yield* ledger.claim("removed", { claim: "a", ttl: 60_000, rows })
    yield* ledger.remove("removed")
    const database = new DatabaseSync(path, { readOnly: true })
    for (const table of ["broadcast", "broadcast_count", "broadcast_row", "broadcast_claim"]) {
      assert.deepStrictEqual(database.prepare(`SELECT 1 FROM ${table}`).all(), [], table)
    }
    database.close()
  }).pipe(Effect.provide(ledgerAt(path)))
})

it.live("a row with a result leaves no claim in Redis", () =>
  Effect.gen(function* () {
    const ledger = yield* SendLedger.SendLedger
    const [name, claim] = ["all sent", "a"]
    const recipients = ["one", "two"]
    yield* ledger.create(name, "")
    yield* ledger.add(
      name,
      recipients.map((recipient, i) => ({ recipient, line: i + 1 }))
    )
    const keys = Effect.promise(() => redis.ask("KEYS", `*${name}*`))
    const before = yield* keys
    const rows = recipients.map((recipient) => ({ recipient, message: "" }))
    yield* ledger.claim(name, { claim, ttl: 60_000, rows })
    yield* ledger.settle(name, { claim, rows: recipients.map((recipient) => ({ recipient, to: "sent" as const })) })
    assert.sameMembers((yield* keys) as Array<string>, before as Array<string>)
  }).pipe(Effect.provide(Layer.suspend(() => ledgerAt(redis.url))), quietly)
)

describe("a Redis that can lose claims is warned of, once", () => {
  const appendOnly = ["--appendonly", "yes"]
  const warnings = (...args: ReadonlyArray<string>) =>
    Effect.gen(function* () {
      const redis = yield* Effect.acquireRelease(
        Effect.promise(() => Redis.start(...args)),
        (redis) => Effect.promise(() => redis[Symbol.asyncDispose]())
      )
      const logged: Array<string> = []
      const logger = Logger.layer([Logger.make(({ message }) => logged.push(String(message)))])
      yield* Effect.gen(function* () {
        const ledger = yield* SendLedger.SendLedger
        yield* ledger.create("one", "")
        yield* ledger.create("two", "")
      }).pipe(Effect.provide(ledgerAt(redis.url)), Effect.provide(logger))
      return logged
    })

  it.live("without an append-only file", () =>
    Effect.gen(function* () {
      const logged = yield* warnings()
      assert.lengthOf(logged, 1)
      assert.include(logged[0], "appendfsync always")
    })
  )
  it.live("when it may delete ledgers", () =>
    Effect.gen(function* () {
      const logged = yield* warnings(...appendOnly, "--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru")
      assert.lengthOf(logged, 1)
      assert.include(logged[0], "noeviction")
    })
  )
  it.live("and not otherwise", () =>
    Effect.map(warnings(...appendOnly, "--maxmemory", "100mb"), (logged) => assert.deepStrictEqual(logged, []))
  )
})
