import { createQQMini, denoKv } from "qq-mini/edge"
import process from "node:process"
import { handle } from "./handler.ts"

// With QQ_APPID and QQ_APPSECRET. All servers that open the same Deno KV share one token.
const qq = createQQMini({ env: process.env, store: denoKv(await Deno.openKv()) })

export default { fetch: (request: Request) => handle(qq, request) }
