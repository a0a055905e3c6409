import { createQQMini, durableObject, isQQError } from "qq-mini/edge"
import { env } from "cloudflare:workers"
import { Hono } from "hono"

// The Durable Object that keeps the token for all isolates.
export { QQTokens } from "qq-mini/edge"

// Outside the handlers, so that the token is not read again with each request. Nothing is sent before the first call.
const qq = createQQMini({ env, store: durableObject(env.QQ_TOKENS) })

const app = new Hono()

app.post("/login", async (c) => {
  const { code } = await c.req.json<{ code: string }>()
  const { openid } = await qq.with(c.executionCtx).auth.code2Session({ code }, { signal: c.req.raw.signal })
  return c.json({ openid })
})

app.post("/comments", async (c) => {
  const { text } = await c.req.json<{ text: string }>()
  const { risky } = await qq.with(c.executionCtx).security.msgSecCheck({ content: text }, { signal: c.req.raw.signal })
  return risky ? c.json({ problem: "risky" }, 422) : c.json({ text }, 201)
})

// A call that failed: a text that QQ could not check is not published.
app.onError((error, c) => {
  if (!isQQError(error)) throw error
  console.error(error.message)
  const problem = error.reason._tag
  if (problem === "InvalidCode") return c.json({ problem }, 401)
  if (problem === "InvalidInput") return c.json({ problem }, 400)
  return c.json({ problem }, error.isRetryable ? 503 : 500)
})

export default app
