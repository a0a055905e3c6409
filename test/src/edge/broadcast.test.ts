/** A broadcast from a Cron trigger, on real workerd. */
import * as Effect from "effect/Effect"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "vitest"
import { bundleEdge } from "../runtimes/runtimes.ts"
import { template_id } from "../support/calls.ts"
import { startWorkers } from "./workers.ts"

const bundle = bundleEdge(fileURLToPath(new URL("broadcastWorker.ts", import.meta.url)), "broadcast.mjs")

describe("a broadcast on Workers", () => {
  it("is sent once to everybody by the steps of two Workers at the same time", async () => {
    await using workers = await startWorkers(bundle, {
      count: 2,
      bindings: { TEMPLATE_ID: template_id },
      objects: { QQ_TOKENS: "QQTokens", QQ_BROADCASTS: "QQBroadcasts" }
    })
    const { run } = workers.harness.sandbox
    const openids = await run(({ login, subscribe }) =>
      Effect.forEach(Array.from({ length: 200 }), (_, i) =>
        Effect.tap(
          Effect.map(login({ user: `user ${i}` }), ({ openid }) => openid),
          // More than one, so that a second message is not refused.
          (openid) => subscribe({ openid, times: 9 })
        )
      )
    )
    const endpoint = "subscribeMessage.send"
    // So that one step is not enough.
    await run((platform) => platform.fault({ kind: "slowHeaders", endpoint, share: 1, delay: 300 }))
    const progress = async (init?: RequestInit): Promise<any> => (await workers.ask(0, "/", init)).json()
    assert.strictEqual((await progress({ method: "PUT", body: JSON.stringify(openids) })).recipients, 0)
    const cron = async (worker: number) => {
      const { scheduled } = (await workers.miniflare.getWorker(`worker-${worker}`)) as any
      assert.strictEqual((await scheduled({ cron: "* * * * *" })).outcome, "ok", workers.said())
    }
    let steps = 0
    for (; (await progress()).state !== "finished"; steps++) await Promise.all([cron(0), cron(1)])
    assert.isAbove(steps, 1)
    const { recipients, sent, unknown } = await progress()
    assert.deepStrictEqual([recipients, sent + unknown], [200, 200])
    const log = (await run((platform) => platform.log)).filter((one) => one.endpoint === endpoint)
    assert.strictEqual(new Set(log.map(({ params }) => params["touser"])).size, log.length, "nobody twice")
    assert.isAtLeast(log.length, sent)
    assert.isAbove(sent, 100)
  })
})
