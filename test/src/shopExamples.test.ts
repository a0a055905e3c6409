/** The examples of a shop: an order is paid in the sandbox, QQ notifies twice at once, and it is delivered once. */
import { startSandbox, type TestSandbox } from "@qq-mini/sandbox/testing"
import { Miniflare } from "miniflare"
import { once } from "node:events"
import { readFile } from "node:fs/promises"
import type { AddressInfo } from "node:net"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "vitest"
import { makeShop } from "../../examples/shop/express.ts"
import { wrangler } from "./edge/workers.ts"
import { bundleEdge } from "./runtimes/runtimes.ts"

/** Buys something in a shop, and pays it. */
const buy = async (shop: string, sandbox: TestSandbox) => {
  const post = (path: string, body: object) =>
    fetch(`${shop}${path}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body)
    })
  const { code } = await sandbox.login()
  const bill_no = "bill-1"
  const order = { article: "sword", bill_no, code }
  const ordered = await post("/orders", order)
  assert.strictEqual(ordered.status, 200, await ordered.clone().text())
  assert.isString(((await ordered.json()) as { prepayId: string }).prepayId)
  assert.strictEqual((await post("/orders", order)).status, 400)
  assert.strictEqual((await post("/orders", { article: "dragon", bill_no: "bill-2", code })).status, 404)

  const url = `${shop}/paid`
  const forged = await sandbox.pay({ bill_no, url, attempts: 1, appsecret: "guessed" })
  assert.deepStrictEqual([forged.accepted, forged.answers[0]?.status], [false, 403])
  return (body: "json" | "form") => sandbox.notifyPaid({ bill_no, url, copies: 2, attempts: 1, body })
}

describe("the examples of a shop", () => {
  it("on Express", { timeout: 60_000 }, async () => {
    await using sandbox = await startSandbox()
    const { app, orders } = makeShop(sandbox.options)
    const server = app.listen(0, "127.0.0.1")
    await once(server, "listening")
    try {
      const shop = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
      const pay = await buy(shop, sandbox)
      assert.strictEqual(orders.get("bill-1")?.state, "new")
      const { accepted } = await pay("form")
      assert.isTrue(accepted)
      const shown = await fetch(`${shop}/orders/bill-1`)
      assert.deepStrictEqual(await shown.json(), { article: "sword", state: "paid" })
    } finally {
      server.closeAllConnections()
      server.close()
    }
  })

  it("on a Worker", { timeout: 120_000 }, async () => {
    await using sandbox = await startSandbox()
    const path = fileURLToPath(new URL("../../examples/shop/worker.ts", import.meta.url))
    const contents = await readFile(await bundleEdge(path, "shop.mjs"), "utf8")
    const { compatibility_date } = await wrangler
    const { QQ_APPID, QQ_APPSECRET, QQ_BASE_URL } = sandbox.env
    const miniflare = new Miniflare({
      modules: [{ type: "ESModule", path: "shop.mjs", contents }],
      compatibilityDate: compatibility_date,
      bindings: { QQ_APPID, QQ_APPSECRET, QQ_BASE_URL },
      d1Databases: { ORDERS: "orders" },
      durableObjects: { QQ_TOKENS: { className: "QQTokens", useSQLite: true } }
    })
    try {
      const shop = String(await miniflare.ready).replace(/\/$/, "")
      const orders = await miniflare.getD1Database("ORDERS")
      await orders.exec(
        "create table orders (bill_no text primary key, openid text, article text, amt integer, state text)"
      )
      const pay = await buy(shop, sandbox)
      const { accepted } = await pay("json")
      assert.isTrue(accepted)
      assert.strictEqual(
        await orders.prepare("select state from orders where bill_no = 'bill-1'").first("state"),
        "paid"
      )
    } finally {
      await miniflare.dispose()
    }
  })
})
