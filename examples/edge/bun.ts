/**
 * A server on Bun. Its token is this process's own; several processes share one in a Redis over HTTP:
 * `store: upstash({ url: process.env.UPSTASH_REDIS_REST_URL, token: process.env.UPSTASH_REDIS_REST_TOKEN })`.
 *
 *     QQ_APPID=… QQ_APPSECRET=… bun run bun.ts
 */
import { createQQMini } from "@qq-mini/edge"
import { handle } from "./handler.ts"

const qq = createQQMini({ env: process.env })

export default { hostname: "127.0.0.1", fetch: (request: Request) => handle(qq, request) }
