/** The examples of a shop: an order is paid in the sandbox, QQ notifies twice at once, and it is delivered once. */
import * as Sandbox from "@qq-mini/sandbox/Sandbox"
import * as SandboxServer from "@qq-mini/sandbox/SandboxServer"
import { Miniflare } from "miniflare"
import { once } from "node:events"
import { readFile } from "node:fs/promises"
import type { AddressInfo } from "node:net"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "vitest"
import { makeShop } from "../../examples/shop/express.ts"
import { wrangler } from "./edge/workers.ts"
import { bundleEdge } from "./runtimes/runtimes.ts"
import { first } from "./support/calls.ts"

/** Buys something in a shop, and pays it. */
const buy = async (shop: string, { run }: SandboxServer.Running) => {
  const post = (path: string, body: object) =>
    fetch(`${shop}${path}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body)
    })
  const { code } = await run((platform) => platform.login())
  const order = { article: "sword", bill_no: "bill-1" }
  const ordered = await post("/orders", { ...order, code })
  assert.strictEqual(ordered.status, 200, await ordered.clone().text())
  assert.isString(((await ordered.json()) as { prepayId: string }).prepayId)
  assert.strictEqual((await post("/orders", { ...order, code })).status, 400)
  assert.strictEqual((await post("/orders", { article: "dragon", bill_no: "bill-2", code })).status, 404)

  const url = `${shop}/paid`
  const forged = await run((platform) => platform.pay({ ...order, url, attempts: 1, appsecret: "guessed" }))
  assert.deepStrictEqual([forged.accepted, forged.answers[0]?.status], [false, 403])
  return (body: "json" | "form") =>
    run((platform) => platform.notifyPaid({ ...order, url, copies: 2, attempts: 1, body }))
}

describe("the examples of a shop", () => {
  it("on Express", { timeout: 60_000 }, async () => {
    await using sandbox = await SandboxServer.start()
    const { app, orders } = makeShop({ appid: first.appid, appsecret: String(first.appsecret), baseUrl: sandbox.url })
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
    await using sandbox = await SandboxServer.start()
    const path = fileURLToPath(new URL("../../examples/shop/worker.ts", import.meta.url))
    const contents = await readFile(await bundleEdge(path, "shop.mjs"), "utf8")
    const { compatibility_date } = await wrangler
    const [{ appid, appsecret }] = Sandbox.defaultPrograms
    const miniflare = new Miniflare({
      modules: [{ type: "ESModule", path: "shop.mjs", contents }],
      compatibilityDate: compatibility_date,
      bindings: { QQ_APPID: appid, QQ_APPSECRET: String(appsecret), QQ_BASE_URL: sandbox.url },
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
