import { isQQError } from "qq-mini"
import { problemOf } from "../../../lib/problem"
import { qq } from "../../../lib/qq"

export const POST = async (request: Request): Promise<Response> => {
  const { text } = await request.json()
  try {
    const { risky } = await qq.security.msgSecCheck({ content: text }, { signal: request.signal })
    return risky ? Response.json({ problem: "risky" }, { status: 422 }) : Response.json({ text }, { status: 201 })
  } catch (error) {
    if (!isQQError(error)) throw error
    return problemOf(error)
  }
}
