import { createQQMini, isQQError, type RequestClient } from "qq-mini/edge"
import { problemOf } from "../../../lib/problem"

export const runtime = "edge"

// With the first request: this file is loaded by `next build` too, which has no AppSecret.
let client: RequestClient | undefined
const qq = () => (client ??= createQQMini({ env: process.env }))

export const POST = async (request: Request): Promise<Response> => {
  const { text } = await request.json()
  try {
    const { risky } = await qq().security.msgSecCheck({ content: text }, { signal: request.signal })
    return Response.json({ risky })
  } catch (error) {
    if (!isQQError(error)) throw error
    return problemOf(error)
  }
}
