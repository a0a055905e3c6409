/** The stand-in for uniCloud's database does what the database does. */
import { execFile } from "node:child_process"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { assert, describe, it } from "vitest"
import { connect, startDatabase } from "./database.ts"

const start = async () => {
  const server = await startDatabase()
  server.createCollection("tokens")
  return {
    server,
    tokens: connect(server.url).collection("tokens"),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]()
  }
}

const rejection = (promise: Promise<unknown>): Promise<any> =>
  promise.then(
    () => assert.fail("it did not reject"),
    (error) => error
  )

describe("the documents", () => {
  it("are absent, then there, then replaced, changed and removed", async () => {
    await using database = await start()
    const { tokens, server } = database
    assert.deepStrictEqual(await tokens.doc("a").get(), { data: [] })
    assert.deepStrictEqual(await tokens.doc("a").update({ n: 1 }), { updated: 0 })
    assert.deepStrictEqual(await tokens.doc("a").set({ n: 1, old: true }), { updated: 0, upsertedId: "a" })
    assert.deepStrictEqual(await tokens.doc("a").set({ n: 2, deep: { x: 1, y: 1 } }), { updated: 1 })
    assert.deepStrictEqual(await tokens.doc("a").get(), { data: [{ _id: "a", n: 2, deep: { x: 1, y: 1 } }] })
    assert.deepStrictEqual(await tokens.doc("a").update({ m: 3, deep: { y: 2 } }), { updated: 1 })
    assert.deepStrictEqual(await tokens.doc("a").update({ m: 3 }), { updated: 0 })
    assert.deepStrictEqual(server.dump("tokens"), { a: { _id: "a", n: 2, m: 3, deep: { x: 1, y: 2 } } })
    assert.deepStrictEqual(await tokens.doc("a").remove(), { deleted: 1 })
    assert.deepStrictEqual(await tokens.doc("a").remove(), { deleted: 0 })
    assert.deepStrictEqual(server.dump("tokens"), {})
    assert.strictEqual(server.count("set"), 2)
    assert.strictEqual(server.count("add"), 0)
  })

  it("are added once for each _id", async () => {
    await using database = await start()
    const { tokens, server } = database
    const added = await Promise.allSettled(Array.from({ length: 20 }, (_, n) => tokens.add({ _id: "lock", n })))
    assert.strictEqual(added.filter(({ status }) => status === "fulfilled").length, 1)
    assert.match((await rejection(tokens.add({ _id: "lock" }))).message, /duplicate key.*lock/)
    const { id } = await tokens.add({ n: 1 })
    assert.deepStrictEqual(server.dump("tokens")[id], { _id: id, n: 1 })
  })

  it("are found by equal fields", async () => {
    await using database = await start()
    const { tokens, server } = database
    server.put("tokens", { _id: "a", kind: "x", at: { n: 1 } })
    server.put("tokens", { _id: "b", kind: "x", at: { n: 2 } })
    server.put("tokens", { _id: "c", kind: "y" })
    const ids = async (where: Record<string, unknown>) => (await tokens.where(where).get()).data.map(({ _id }) => _id)
    assert.deepStrictEqual(await ids({ kind: "x" }), ["a", "b"])
    assert.deepStrictEqual(await ids({ kind: "x", at: { n: 2 } }), ["b"])
    assert.deepStrictEqual(await ids({ at: null }), ["c"])
    assert.match((await rejection(ids({ kind: "x", at: undefined }))).message, /undefined/)
    assert.match((await rejection(ids({ "at.n": 1 }))).message, /top-level/)
    assert.deepStrictEqual(await tokens.where({ kind: "x" }).update({ kind: "z" }), { updated: 2 })
    assert.deepStrictEqual(await tokens.where({ kind: "x" }).updateAndReturn({ n: 1 }), { updated: 0, doc: null })
    const changed = await tokens.where({ kind: "y" }).updateAndReturn({ n: 1 })
    assert.deepStrictEqual(changed, { updated: 1, doc: { _id: "c", kind: "y", n: 1 } })
    assert.deepStrictEqual(await tokens.where({ kind: "z" }).remove(), { deleted: 2 })
    assert.deepStrictEqual(Object.keys(server.dump("tokens")), ["c"])
  })

  it("are worked on many at once, with commands", async () => {
    await using database = await start()
    const { server } = database
    const { collection, command } = connect(server.url)
    const tokens = collection("tokens")
    const documents = Array.from({ length: 600 }, (_, n) => ({ _id: `t${n}`, n, kind: n % 3 === 0 ? "x" : "y" }))
    await tokens.add(documents.slice(5, 10))
    // one after the other, until one is there
    assert.match((await rejection(tokens.add(documents))).message, /duplicate key.*t5/)
    assert.lengthOf(Object.keys(server.dump("tokens")), 10)
    await tokens.add(documents.slice(10))
    assert.lengthOf((await tokens.where({}).get()).data, 100)
    assert.lengthOf((await tokens.where({}).limit(1_000).get()).data, 500)
    const after = tokens.where({ _id: command.gt("t97"), n: command.lte(99) }).orderBy("_id", "desc")
    assert.deepStrictEqual((await after.limit(2).field({ kind: true }).get()).data, [
      { _id: "t99", kind: "x" },
      { _id: "t98", kind: "y" }
    ])
    const some = tokens.where({ _id: command.in(["t1", "t2", "t3"]), kind: "y" })
    assert.deepStrictEqual(await some.update({ kind: "z" }), { updated: 2 })
    const groups = tokens.aggregate().match({ n: command.lte(5) })
    const { data } = await groups
      .group({ _id: "$kind", sum: command.aggregate.sum(1) })
      .limit(9)
      .end()
    const sums = data.map(({ _id, sum }) => [_id, sum]).toSorted()
    assert.deepStrictEqual(sums, [
      ["x", 2],
      ["y", 2],
      ["z", 2]
    ])
    assert.match((await rejection(tokens.add({ _id: "t".repeat(1_025) }))).message, /too long/)
  })

  it("give back dates for strings that look like dates", async () => {
    await using database = await start()
    const { tokens, server } = database
    const date = "2026-11-24T10:00:00.000Z"
    await tokens.add({ _id: "a", date, day: "2026-11-24", json: JSON.stringify({ date }) })
    const { data } = await tokens.doc("a").get()
    assert.deepStrictEqual(data, [
      { _id: "a", date: new Date(date), day: "2026-11-24", json: JSON.stringify({ date }) }
    ])
    assert.strictEqual(server.dump("tokens")["a"].date, date)
  })
})

describe("updateAndReturn", () => {
  const program = `
    const { connect } = require(process.argv[1])
    const tokens = connect(process.argv[2]).collection("tokens")
    const increment = async () => {
      const n = (await tokens.doc("counter").get()).data[0].n
      const { updated } = await tokens.where({ _id: "counter", n }).updateAndReturn({ n: n + 1 })
      if (updated === 0) await increment()
    }
    Promise.all(Array.from({ length: 25 }, increment))`

  it("lets one of many win, in two processes", async () => {
    await using database = await start()
    const { server } = database
    server.put("tokens", { _id: "counter", n: 0 })
    const client = fileURLToPath(new URL("database-client.cjs", import.meta.url))
    const run = () => promisify(execFile)(process.execPath, ["-e", program, client, server.url], { timeout: 10_000 })
    // they end by themselves, though their connections are open
    await Promise.all([run(), run()])
    assert.strictEqual(server.dump("tokens")["counter"].n, 50)
    assert.isAbove(server.count("updateAndReturn"), 50, "none lost a race")
  })
})

describe("errors", () => {
  it("come from a collection that is not there", async () => {
    await using database = await start()
    const { tokens, server } = database
    server.dropCollection("tokens")
    const first = await rejection(tokens.doc("a").get())
    assert.instanceOf(first, Error)
    assert.strictEqual(first.message, "not found collection")
    server.missingCollection = { message: "Db or Table not exist", errCode: "other" }
    for (const ask of [
      () => tokens.add({}),
      () => tokens.doc("a").set({}),
      () => tokens.where({ _id: "a" }).remove()
    ]) {
      const { message, errCode, code, errMsg } = await rejection(ask())
      assert.deepStrictEqual([message, errCode, code, errMsg], ["Db or Table not exist", "other", "other", message])
    }
    server.createCollection("tokens")
    assert.deepStrictEqual(await tokens.doc("a").get(), { data: [] })
  })

  it("come before and after the operation, as often as told", async () => {
    await using database = await start()
    const { tokens, server } = database
    server.fail("add", "before", 2)
    server.fail("add", "after", 1, { message: "too late", errCode: "LATE" })
    await rejection(tokens.add({ _id: "a" }))
    await rejection(tokens.add({ _id: "a" }))
    assert.deepStrictEqual(server.dump("tokens"), {})
    assert.strictEqual((await rejection(tokens.add({ _id: "a" }))).errCode, "LATE")
    assert.deepStrictEqual(server.dump("tokens"), { a: { _id: "a" } })
    await tokens.add({ _id: "b" })
    assert.strictEqual(server.count("add"), 4)
  })

  it("do not come from an operation that hangs", async () => {
    await using database = await start()
    const { tokens, server } = database
    server.delay(0)
    server.hang("get")
    const first = tokens
      .doc("a")
      .get()
      .catch(() => "cut")
    await tokens.add({ _id: "a" })
    assert.lengthOf((await tokens.doc("a").get()).data, 1)
    const waited = new Promise((resolve) => setTimeout(() => resolve("waited"), 50))
    assert.strictEqual(await Promise.race([first, waited]), "waited")
    await server[Symbol.asyncDispose]()
    assert.strictEqual(await first, "cut")
  })
})
