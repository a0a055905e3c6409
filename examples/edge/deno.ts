/**
 * A server on Deno. All that open the same Deno KV share one token.
 *
 *     QQ_APPID=… QQ_APPSECRET=… deno serve --unstable-kv --allow-net --allow-env deno.ts
 */
import { createQQMini, denoKv } from "@qq-mini/edge"
import { handle } from "./handler.ts"

const qq = createQQMini({ env: Deno.env.toObject(), store: denoKv(await Deno.openKv()) })

export default { fetch: (request: Request) => handle(qq, request) }
