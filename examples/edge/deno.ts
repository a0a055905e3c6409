/**
 * A server on Deno. All that open the same Deno KV share one token.
 *
 *     QQ_APPID=… QQ_APPSECRET=… deno serve --unstable-kv --allow-net --allow-env=QQ_APPID,QQ_APPSECRET,QQ_APPS,QQ_BASE_URL deno.ts
 */
import { createQQMini, denoKv } from "@qq-mini/edge"
import process from "node:process"
import { handle } from "./handler.ts"

const qq = createQQMini({ env: process.env, store: denoKv(await Deno.openKv()) })

export default { fetch: (request: Request) => handle(qq, request) }
