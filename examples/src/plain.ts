/**
 * A plain app: an HTTP server that checks what is posted to it. No Effect in sight.
 *
 *     QQ_APPID=… QQ_APPSECRET=… node src/plain.ts
 */
import { createQQMini, isQQError } from "@qq-mini/node"
import { createServer } from "node:http"
import { text } from "node:stream/consumers"

const qq = createQQMini()

const server = createServer(async (request, response) => {
  // the client went away: stop the call too
  const gone = new AbortController()
  response.on("close", () => gone.abort())
  try {
    const { risky } = await qq.security.msgSecCheck({ content: await text(request) }, { signal: gone.signal })
    response.writeHead(risky ? 422 : 200).end(risky ? "risky" : "passed")
  } catch (error) {
    if (gone.signal.aborted) return
    // a check that could not be made is not a pass
    if (!isQQError(error)) throw error
    response.writeHead(error.reason._tag === "InvalidInput" ? 400 : 503).end(error.message)
  }
})

server.listen(0, "127.0.0.1", () => console.log(JSON.stringify(server.address())))

process.on("SIGTERM", async () => {
  server.close()
  await qq.close()
})
