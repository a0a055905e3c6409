/** A Worker with a Cron trigger that makes the steps of a broadcast, to the recipients in its KV. */
import { createQQMini, durableObject } from "@qq-mini/edge"
import * as DurableObjectSendLedger from "@qq-mini/edge/DurableObjectSendLedger"
import { createBroadcast } from "@qq-mini/edge/EdgeBroadcast"
import { env } from "cloudflare:workers"

export { QQTokens } from "@qq-mini/edge"
export { QQBroadcasts } from "@qq-mini/edge/QQBroadcasts"

const { QQ_BROADCASTS, QQ_KV, QQ_TOKENS, TEMPLATE_ID } = env as any

const qq = createQQMini({ env, store: durableObject(QQ_TOKENS) })
const broadcast = createBroadcast(qq, {
  id: "cron",
  template_id: TEMPLATE_ID,
  recipients: async function* (skip: number) {
    const openids: ReadonlyArray<string> = await QQ_KV.get("openids", "json")
    yield* openids.slice(skip).map((openid) => ({ openid, keyword1: "hello" }))
  },
  chunkSize: 50,
  ledger: DurableObjectSendLedger.layer(QQ_BROADCASTS)
})

export default {
  scheduled: async (): Promise<void> => void (await broadcast.step({ budget: "4 seconds" })),
  fetch: async (request: Request): Promise<Response> => {
    if (request.method === "PUT") await QQ_KV.put("openids", await request.text())
    return Response.json(await broadcast.progress())
  }
}
