/**
 * A shop on Express. The mini program asks for an order, the user pays it there (`qq.requestMidasPayment` with the
 * `prepayId`), and QQ notifies the shop, which then delivers.
 *
 *     QQ_APPID=… QQ_APPSECRET=… node shop/express.ts
 */
import { createQQMini, isQQError, payNotificationHandler } from "@qq-mini/node"
import express, { type Express } from "express"

/** The price of each article. */
const prices: Readonly<Record<string, number>> = { sword: 10, shield: 25 }

interface Order {
  readonly openid: string
  readonly article: string
  readonly amt: number
  state: "new" | "paid"
}

/** The settings of the shop. */
export interface Settings {
  readonly appid: string
  readonly appsecret: string
  readonly baseUrl?: string | undefined
}

/** Makes the shop. A real one keeps its orders in a database. */
export const makeShop = ({ appid, appsecret, baseUrl }: Settings): { app: Express; orders: Map<string, Order> } => {
  const qq = createQQMini({ appid, appsecret, baseUrl })
  const orders = new Map<string, Order>()
  const app = express()

  // Before any body parser: the handler reads the body itself.
  app.post(
    "/paid",
    payNotificationHandler({
      appid,
      appsecret,
      onPaid: ({ amt, bill_no, openid }) => {
        const order = orders.get(bill_no)
        // Whoever knows the AppSecret signed it, but only the shop knows what the order costs.
        if (order?.openid !== openid || order.amt !== amt) throw new Error(`no such order: ${bill_no}`)
        order.state = "paid"
      }
    })
  )

  app.post("/orders", express.json(), async (req, res) => {
    const { article, bill_no, code } = req.body as Record<"article" | "bill_no" | "code", string>
    const amt = prices[article]
    if (amt === undefined) return void res.status(404).json({ problem: "no such article" })
    try {
      const { openid, session_key } = await qq.auth.code2Session({ code, needKey: true })
      orders.set(bill_no, { openid, article, amt, state: "new" })
      const { prepayId } = await qq.gamePay.prePay({
        openid,
        session_key: session_key!,
        bill_no,
        amt,
        goodid: article,
        good_num: 1
      })
      res.json({ prepayId })
    } catch (error) {
      console.error(error)
      const wrong = isQQError(error) && /^(InvalidInput|InvalidCode)$/.test(error.reason._tag)
      res.status(wrong ? 400 : 503).json({ problem: isQQError(error) ? error.help.zh : "稍后再试" })
    }
  })

  app.get("/orders/:bill_no", (req, res) => {
    const order = orders.get(req.params.bill_no)
    if (order === undefined) res.status(404).end()
    else res.json({ article: order.article, state: order.state })
  })
  return { app, orders }
}

if (import.meta.main) {
  const { QQ_APPID: appid = "", QQ_APPSECRET: appsecret = "", QQ_BASE_URL: baseUrl } = process.env
  makeShop({ appid, appsecret, baseUrl }).app.listen(3000, () => console.log("http://127.0.0.1:3000"))
}
