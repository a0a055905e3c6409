import type { QQError } from "qq-mini"

/** Answers a request whose call of QQ failed. */
export const problemOf = (error: QQError): Response => {
  console.error(error.message)
  const problem = error.reason._tag
  if (problem === "InvalidCode") return Response.json({ problem }, { status: 401 })
  if (problem === "InvalidInput") return Response.json({ problem }, { status: 400 })
  return Response.json({ problem }, { status: error.isRetryable ? 503 : 500 })
}
