/**
 * A Worker of Cloudflare. All Workers of the account that bind the Durable Object share one token.
 *
 *     npx wrangler secret put QQ_APPID; npx wrangler secret put QQ_APPSECRET
 *     npx wrangler deploy
 */
import { createQQMini, durableObject, images } from "@qq-mini/edge"
import { env } from "cloudflare:workers"
import { handle } from "../handler.ts"

export { QQTokens } from "@qq-mini/edge"

// outside the handler, so that a token is read once and not with each request; nothing is sent before the first call
const qq = createQQMini({ env, store: durableObject(env.QQ_TOKENS), imagePreparer: images(env.IMAGES) })

export default {
  // with `ctx` a renewal of the token goes on after the answer
  fetch: (request: Request, _env: unknown, ctx: ExecutionContext) => handle(qq.with(ctx), request, true)
}
