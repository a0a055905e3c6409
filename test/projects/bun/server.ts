import { createQQMini } from "qq-mini/edge"
import { handle } from "./handler.ts"

// With QQ_APPID and QQ_APPSECRET. The token is this process's own: for several processes give a store.
const qq = createQQMini({ env: process.env })

const server = Bun.serve({ hostname: "127.0.0.1", fetch: (request) => handle(qq, request) })
console.log(server.url.href)

process.on("SIGTERM", async () => {
  // First the requests that are here are answered, then the client is closed.
  await server.stop()
  await qq.close()
  process.exit()
})
