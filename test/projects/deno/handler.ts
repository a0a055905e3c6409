/** The comments of a mini program. A real one keeps them in a database. */
import { isQQError, type Calls } from "qq-mini/edge"

/** Answers a request with a client of `createQQMini`. */
export const handle = async (qq: Calls, request: Request): Promise<Response> => {
  const { pathname } = new URL(request.url)
  if (request.method !== "POST") return new Response("not found", { status: 404 })
  const { signal } = request
  const { code, text } = await request.json()
  try {
    if (pathname === "/login") {
      const { openid } = await qq.auth.code2Session({ code }, { signal })
      return Response.json({ openid })
    }
    const { risky } = await qq.security.msgSecCheck({ content: text }, { signal })
    return risky ? Response.json({ problem: "risky" }, { status: 422 }) : Response.json({ text }, { status: 201 })
  } catch (error) {
    if (!isQQError(error)) throw error
    console.error(error.message)
    const problem = error.reason._tag
    const status = { InvalidCode: 401, InvalidInput: 400 }[problem as string] ?? (error.isRetryable ? 503 : 500)
    return Response.json({ problem }, { status })
  }
}
