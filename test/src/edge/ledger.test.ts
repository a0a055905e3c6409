/** The ledger of broadcasts in Durable Objects, on real workerd. */
import * as SendLedgerConformance from "@qq-mini/core/testing/SendLedgerConformance"
import type { Miniflare } from "miniflare"
import { readFile } from "node:fs/promises"
import { fileURLToPath } from "node:url"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { bundleEdge, workerd } from "../runtimes/runtimes.ts"

const bundle = bundleEdge(fileURLToPath(new URL("ledgerWorker.ts", import.meta.url)), "ledger.mjs")

let miniflare: Miniflare
beforeAll(async () => {
  const contents = await readFile(await bundle, "utf8")
  const className = "QQBroadcasts"
  miniflare = workerd("ledger.mjs", {
    modules: undefined,
    workers: [0, 1].map((i) => ({
      name: `worker-${i}`,
      modules: [{ type: "ESModule", path: `worker-${i}.mjs`, contents }],
      compatibilityDate: "2026-07-01",
      durableObjects: {
        QQ_BROADCASTS: { className, scriptName: "worker-0", useSQLite: true },
        QQ_KEY_VALUE: { className, scriptName: "worker-1" }
      }
    }))
  })
  await miniflare.ready
})
afterAll(() => miniflare.dispose())

/** Asks one of two Workers that share the objects. */
const ask = async (worker: number, path: string, asked: object): Promise<{ result?: any; error?: string }> => {
  const { fetch } = (await miniflare.getWorker(`worker-${worker}`)) as any
  return (await fetch(`http://worker${path}`, { method: "POST", body: JSON.stringify(asked) })).json()
}
const operation = (worker: number, operation: string, ...parameters: ReadonlyArray<unknown>) =>
  ask(worker, "/operation", { operation, parameters })

describe("the contract of ledgers: a Durable Object", () => {
  it.each(SendLedgerConformance.cases)("$name", async ({ name }) => {
    assert.deepStrictEqual(await ask(0, "/contract", { name }), {})
  })
})

describe("the ledger in Durable Objects", () => {
  it("gives each row to one of two Workers, and keeps it while its object is evicted", async () => {
    const recipients = Array.from({ length: 50 }, (_, i) => `recipient ${i}`)
    await operation(0, "create", "shop", "")
    await operation(
      0,
      "add",
      "shop",
      recipients.map((recipient, line) => ({ recipient, line }))
    )
    const rows = recipients.map((recipient) => ({ recipient, message: "" }))
    const claims = await Promise.all(
      [0, 1].map((worker) => operation(worker, "claim", "shop", { claim: `worker ${worker}`, ttl: 60_000, rows }))
    )
    for (const i of recipients.keys()) {
      assert.deepStrictEqual(claims.map(({ result }) => result[i].found).toSorted(), ["busy", "claimed"])
    }
    await ask(0, "/evict", { broadcast: "shop" })
    const again = await operation(1, "claim", "shop", { claim: "later", ttl: 60_000, rows })
    assert.isTrue(again.result.every(({ found }: any) => found === "busy"))
  })

  it("says what is wrong with its binding", async () => {
    const asked = { operation: "read", parameters: ["shop"] }
    const unbound = await ask(0, "/operation", { ...asked, binding: "NOTHING" })
    assert.match(unbound.error!, /ledger: has no Durable Object: bind the class .*QQ_BROADCASTS/)
    const keyValue = await ask(0, "/operation", { ...asked, binding: "QQ_KEY_VALUE" })
    assert.match(keyValue.error!, /has no SQLite: list its class as "new_sqlite_classes"/)
  })
})
