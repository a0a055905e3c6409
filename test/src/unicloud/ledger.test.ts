/** The ledger of broadcasts in uniCloud's database: the contract, and what happens between its requests. */
import { assert, describe, it } from "@effect/vitest"
import * as SendLedgerConformance from "@qq-mini/core/testing/SendLedgerConformance"
import * as DatabaseSendLedger from "@qq-mini/unicloud/DatabaseSendLedger"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { afterAll, beforeAll } from "vitest"
import { connect, type Database, type DatabaseServer, type Operation, startDatabase } from "./database.ts"

const collection = "qq-mini-broadcasts"
const ttl = 60_000

let server: DatabaseServer
beforeAll(async () => {
  server = await startDatabase()
  server.createCollection(collection)
})
afterAll(() => server[Symbol.asyncDispose]())

describe("the contract of ledgers: uniCloud's database", () => {
  const store = Layer.suspend(() => DatabaseSendLedger.layer(() => connect(server.url)))
  for (const { name, run } of SendLedgerConformance.cases) it.live(name, () => Effect.provide(run, store))
})

const recipients = Array.from({ length: 200 }, (_, i) => `recipient ${i}`)
const messages = recipients.map((recipient) => ({ recipient, message: `to ${recipient}` }))

/** A database of its own with a broadcast, and its ledger. */
const withBroadcast = Effect.fnUntraced(function* (name: string, rows: ReadonlyArray<string>) {
  const database = yield* Effect.acquireRelease(Effect.promise(startDatabase), (server) =>
    Effect.promise(() => server[Symbol.asyncDispose]())
  )
  database.delay(0)
  database.createCollection(collection)
  const ledger = DatabaseSendLedger.make(connect(database.url))
  yield* ledger.create(name, "")
  yield* ledger.add(
    name,
    rows.map((recipient, i) => ({ recipient, line: i + 1 }))
  )
  return { database, ledger }
})

const operations: ReadonlyArray<Operation> = ["get", "add", "update", "updateAndReturn", "remove", "aggregate"]

/** How many requests an effect makes. */
const requests = <A, E>(database: DatabaseServer, effect: Effect.Effect<A, E>) =>
  Effect.suspend(() => {
    const count = () => operations.reduce((sum, operation) => sum + database.count(operation), 0)
    const before = count()
    return Effect.map(effect, () => count() - before)
  })

/** A database that does something else before its first operation of a kind. */
const interrupted = (
  database: Database,
  operation: "add" | "update" | "remove",
  act: Effect.Effect<unknown, unknown>
): Database => {
  let acted = false
  const first = async <A>(kind: typeof operation, ask: () => Promise<A>): Promise<A> => {
    if (kind === operation && !acted) {
      acted = true
      await Effect.runPromise(act)
    }
    return ask()
  }
  return {
    ...database,
    collection: (name) => {
      const collection = database.collection(name)
      return {
        ...collection,
        add: (data: any) => first("add", () => collection.add(data)),
        where: (condition) => {
          const found = collection.where(condition)
          return {
            ...found,
            update: (change) => first("update", () => found.update(change)),
            remove: () => first("remove", () => found.remove())
          }
        }
      }
    }
  }
}

describe("the ledger in uniCloud's database", () => {
  it.live("takes few requests for many rows", () =>
    Effect.gen(function* () {
      const { database, ledger } = yield* withBroadcast("shop", [])
      const added = ledger.add(
        "shop",
        recipients.map((recipient, i) => ({ recipient, line: i }))
      )
      assert.strictEqual(yield* requests(database, added), 2)
      const claim = { claim: "x", ttl, rows: messages }
      assert.strictEqual(yield* requests(database, ledger.claim("shop", claim)), 3)
      assert.strictEqual(yield* requests(database, ledger.claim("shop", claim)), 1)
      const sent = recipients.map((recipient) => ({ recipient, to: "sent" }) as const)
      assert.strictEqual(yield* requests(database, ledger.settle("shop", { claim: "x", rows: sent })), 1)
      assert.strictEqual(yield* requests(database, ledger.read("shop")), 2)
      // no message is left
      assert.notInclude(JSON.stringify(database.dump(collection)), messages[0]!.message)
    })
  )

  it.live("claims nothing for a broadcast that is paused between its requests", () =>
    Effect.gen(function* () {
      const { database, ledger } = yield* withBroadcast("shop", ["a", "b"])
      yield* ledger.claim("shop", { claim: "x", ttl, rows: [{ recipient: "a", message: "old" }] })
      yield* ledger.settle("shop", { claim: "x", rows: [{ recipient: "a", to: "unknown" }] })
      // paused after it was read
      const pause = ledger.control("shop", { from: ["running"], to: "paused", why: "" })
      const pausing = DatabaseSendLedger.make(interrupted(connect(database.url), "update", pause))
      const claimed = yield* pausing.claim("shop", {
        claim: "y",
        ttl,
        rows: [
          { recipient: "a", message: "new", instead: "x" },
          { recipient: "b", message: "new" }
        ]
      })
      assert.deepStrictEqual(claimed, [{ found: "stopped" }, { found: "stopped" }])
      const [a, b] = yield* ledger.rows("shop", ["a", "b"])
      assert.deepStrictEqual([a?.state, b?.state], ["unknown", "new"])
      const { rows } = yield* ledger.unknown("shop", { limit: 9 })
      assert.deepStrictEqual(rows, [{ recipient: "a", claim: "x", message: "old" }])
    })
  )

  it.live("claims nothing that others claimed between its requests, and has what a lost answer gave it", () =>
    Effect.gen(function* () {
      const { database, ledger } = yield* withBroadcast("shop", ["a", "b", "c"])
      const claim = (claim: string, ...recipients: ReadonlyArray<string>) => {
        const rows = recipients.map((recipient) => ({ recipient, message: "" }))
        return { claim, ttl, rows }
      }
      const other = ledger.claim("shop", claim("y", "a", "b"))
      const slow = DatabaseSendLedger.make(interrupted(connect(database.url), "update", other))
      const found = (yield* slow.claim("shop", claim("x", "a", "b", "c"))).map(({ found }) => found)
      assert.deepStrictEqual(found, ["busy", "busy", "claimed"])
      yield* slow.settle("shop", { claim: "x", rows: [{ recipient: "c", to: "new" }] })
      database.fail("update", "after")
      yield* Effect.flip(ledger.claim("shop", claim("z", "c")))
      assert.deepStrictEqual(yield* ledger.claim("shop", claim("z", "c")), [{ found: "claimed" }])
    })
  )

  it.live("leaves nothing of a removed broadcast to the next one of its name", () =>
    Effect.gen(function* () {
      const { database, ledger } = yield* withBroadcast("shop", ["a"])
      yield* ledger.claim("shop", { claim: "x", ttl, rows: [{ recipient: "a", message: "" }] })
      // its removal is interrupted
      database.fail("remove", "before", 1)
      assert.include((yield* Effect.flip(ledger.remove("shop"))).message, "SendLedger.remove")
      assert.isUndefined(yield* ledger.read("shop"))
      assert.deepStrictEqual((yield* ledger.create("shop", "")).counts.sending, 0)
      // it is removed while rows are added
      const again = Effect.andThen(ledger.remove("shop"), ledger.create("shop", ""))
      const late = DatabaseSendLedger.make(interrupted(connect(database.url), "add", again))
      yield* late.add("shop", [{ recipient: "b", line: 1 }])
      assert.deepStrictEqual(yield* ledger.rows("shop", ["a", "b"]), [undefined, undefined])
      assert.strictEqual((yield* ledger.read("shop"))!.counts.new, 0)
      assert.deepStrictEqual(yield* ledger.add("shop", [{ recipient: "b", line: 2 }]), [2])
      assert.strictEqual((yield* ledger.read("shop"))!.counts.new, 1)
    })
  )

  it.live("removes nothing of the next broadcast of a name", () =>
    Effect.gen(function* () {
      const { database, ledger } = yield* withBroadcast("shop", ["a"])
      // somebody else removes it first, and makes the next one
      const next = ledger
        .remove("shop")
        .pipe(
          Effect.andThen(ledger.create("shop", "")),
          Effect.andThen(ledger.add("shop", [{ recipient: "a", line: 1 }])),
          Effect.andThen(ledger.claim("shop", { claim: "x", ttl, rows: [{ recipient: "a", message: "" }] }))
        )
      yield* DatabaseSendLedger.make(interrupted(connect(database.url), "remove", next)).remove("shop")
      assert.strictEqual((yield* ledger.rows("shop", ["a"]))[0]?.state, "sending")
    })
  )

  it.live("says that its collection is missing", () =>
    Effect.gen(function* () {
      const { database, ledger } = yield* withBroadcast("shop", [])
      database.dropCollection(collection)
      const { problem } = yield* Effect.flip(ledger.read("shop"))
      assert.match(problem, /qq-mini-broadcasts does not exist.*新建该集合/)
    })
  )
})
