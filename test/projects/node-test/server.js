/** An HTTP server with two calls: `POST /login` takes a login code, `POST /questions` takes a question of a user. */
import { isQQError } from "qq-mini"
import { createServer } from "node:http"
import { json } from "node:stream/consumers"

/** The status of a request whose call of QQ failed. */
const statusOf = (error) => {
  if (!isQQError(error)) return 500
  return error.isRetryable ? 503 : 400
}

/** Makes the server with a client of `createQQMini`. A real one keeps its questions in a database. */
export const makeServer = (qq, template_id) => {
  const routes = {
    "/login": async ({ code }) => {
      const { openid } = await qq.auth.code2Session({ code })
      return [200, { openid }]
    },
    "/questions": async ({ openid, question }) => {
      const { risky } = await qq.security.msgSecCheck({ content: question })
      if (risky) return [422, { problem: "not accepted" }]
      await qq.subscribeMessage.send({ touser: openid, template_id, data: { keyword1: { value: question } } })
      return [201, { question }]
    }
  }
  return createServer(async (request, response) => {
    try {
      const [status, answer] = await routes[request.url](await json(request))
      response.writeHead(status).end(JSON.stringify(answer))
    } catch (error) {
      response.writeHead(statusOf(error)).end()
    }
  })
}
