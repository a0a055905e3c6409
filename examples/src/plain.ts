/**
 * A plain app: an HTTP server that checks what is posted to it. No Effect in sight.
 *
 *     QQ_APPID=… QQ_APPSECRET=… node src/plain.ts
 */
import { createQQMini, isQQError } from "@qq-mini/node"
import { createServer } from "node:http"
import { text } from "node:stream/consumers"

const qq = createQQMini()

// a wrong secret or setting is found now, and not by the first visitor
await qq.auth.getAccessToken().catch((error: unknown) => {
  console.error(isQQError(error) ? error.message : error)
  process.exit(1)
})

const server = createServer(async (request, response) => {
  // the client went away: stop the call too
  const gone = new AbortController()
  response.on("close", () => gone.abort())
  try {
    const { risky } = await qq.security.msgSecCheck({ content: await text(request) }, { signal: gone.signal })
    response.writeHead(risky ? 422 : 200).end(risky ? "risky" : "passed")
  } catch (error) {
    if (gone.signal.aborted) return
    // a check that could not be made is not a pass; what went wrong is for the log, not for the visitor
    console.error(error)
    const bad = isQQError(error) && error.reason._tag === "InvalidInput"
    response.writeHead(bad ? 400 : 503).end(bad ? "nothing to check" : "try again later")
  }
})

server.listen(0, "127.0.0.1", () => console.log(JSON.stringify(server.address())))

process.on("SIGTERM", async () => {
  server.close()
  await qq.close()
})
