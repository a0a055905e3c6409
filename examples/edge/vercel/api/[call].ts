/**
 * An edge function of Vercel, with the address rewritten to `/api/qq?route=…`. Its instances come and go, so the token lies
 * in a Redis over HTTP, which they all share.
 */
import { createQQMini, upstash } from "@qq-mini/edge"
import { handle } from "../../handler.ts"

export const config = { runtime: "edge" }

const { UPSTASH_REDIS_REST_TOKEN, UPSTASH_REDIS_REST_URL } = process.env
const qq = createQQMini({
  env: process.env,
  store: upstash({ url: UPSTASH_REDIS_REST_URL, token: UPSTASH_REDIS_REST_TOKEN })
})

export default (request: Request, context: { waitUntil: (work: Promise<unknown>) => void }) =>
  handle(qq.with(context), request)
