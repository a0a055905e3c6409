/**
 * The same shop as a Worker of Cloudflare. The orders are in D1:
 * `create table orders (bill_no text primary key, openid text, article text, amt integer, state text)`.
 *
 * A notification may reach several Workers, which share no memory. The update changes an order only if it is not paid
 * yet, so it is delivered once.
 */
import { createQQMini, durableObject, isQQError, payNotificationHandler } from "@qq-mini/edge"
import { env } from "cloudflare:workers"

export { QQTokens } from "@qq-mini/edge"

const prices: Readonly<Record<string, number>> = { sword: 10, shield: 25 }

const { ORDERS: orders, QQ_APPID: appid, QQ_APPSECRET: appsecret } = env
const qq = createQQMini({ env, store: durableObject(env.QQ_TOKENS) })

const paid = payNotificationHandler({
  appid,
  appsecret,
  onPaid: async ({ amt, bill_no, openid }) => {
    const order = await orders
      .prepare("update orders set state = 'paid' where bill_no = ? and openid = ? and amt = ? returning article")
      .bind(bill_no, openid, amt)
      .first()
    if (order === null) throw new Error(`no such order: ${bill_no}`)
  }
})

const order = async (request: Request): Promise<Response> => {
  const { article, bill_no, code } = (await request.json()) as Record<"article" | "bill_no" | "code", string>
  const amt = prices[article]
  if (amt === undefined) return Response.json({ problem: "no such article" }, { status: 404 })
  const { openid, session_key } = await qq.auth.code2Session({ code, needKey: true })
  await orders.prepare("insert into orders values (?, ?, ?, ?, 'new')").bind(bill_no, openid, article, amt).run()
  const goods = { amt, goodid: article, good_num: 1 }
  const { prepayId } = await qq.gamePay.prePay({ openid, session_key: session_key!, bill_no, ...goods })
  return Response.json({ prepayId })
}

export default {
  fetch: async (request: Request): Promise<Response> => {
    const { pathname } = new URL(request.url)
    if (request.method === "POST" && pathname === "/paid") return paid(request)
    if (request.method === "POST" && pathname === "/orders") {
      return order(request).catch((error: unknown) => {
        console.error(error)
        const wrong = isQQError(error) && /^(InvalidInput|InvalidCode)$/.test(error.reason._tag)
        return Response.json({ problem: isQQError(error) ? error.help.zh : "稍后再试" }, { status: wrong ? 400 : 503 })
      })
    }
    return new Response("not found", { status: 404 })
  }
}
