import { isQQError } from "qq-mini"
import { problemOf } from "../../../lib/problem"
import { qq } from "../../../lib/qq"

export const POST = async (request: Request): Promise<Response> => {
  const { code } = await request.json()
  try {
    const { openid } = await qq.auth.code2Session({ code }, { signal: request.signal })
    return Response.json({ openid })
  } catch (error) {
    if (!isQQError(error)) throw error
    return problemOf(error)
  }
}
