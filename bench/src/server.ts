/** A platform that answers at once, in a process of its own: QQ's, WeChat's and Stripe's yes, and a token. */
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"

const token = JSON.stringify({ errcode: 0, errmsg: "ok", access_token: "T".repeat(64), expires_in: 7_200 })
const qqYes = JSON.stringify({ errCode: 0, errMsg: "ok" })
const otherYes = JSON.stringify({ errcode: 0, errmsg: "ok", id: "cus_1", object: "customer" })

let tokens = 0

const server = createServer({ keepAliveTimeout: 120_000 }, (request, response) => {
  request.on("end", () => {
    const asksToken = /token\?|getToken/i.test(request.url!)
    if (asksToken) tokens++
    const path = request.url!
    const body = asksToken
      ? token
      : // how many tokens were asked for
        path === "/tokens"
        ? String(tokens)
        : path.startsWith("/api/json/security/")
          ? qqYes
          : otherYes
    response.writeHead(200, { "content-type": "application/json", "content-length": body.length })
    response.end(body)
  })
  request.resume()
})
server.listen(0, "127.0.0.1", () => process.send!(`http://127.0.0.1:${(server.address() as AddressInfo).port}`))
process.on("disconnect", () => process.exit())
