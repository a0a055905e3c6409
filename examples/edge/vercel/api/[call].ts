/**
 * Edge functions of Vercel, or of Next as `pages/api/[call].ts`: `/api/share` and the others. Their instances come and go,
 * so the token lies in a Redis over HTTP, which they all share; QQ's quotas are counted there, too.
 */
import { createQQMini, upstash } from "@qq-mini/edge"
import { handle } from "../../handler.ts"

export const config = { runtime: "edge" }

const qq = createQQMini({
  env: process.env,
  store: upstash({ url: process.env.UPSTASH_REDIS_REST_URL, token: process.env.UPSTASH_REDIS_REST_TOKEN })
})

export default (request: Request, context: { waitUntil: (work: Promise<unknown>) => void }): Promise<Response> =>
  handle(qq.with(context), request)
