/** The comments of a mini program. A real one keeps them in a database. */
const express = require("express")
const { isQQError } = require("qq-mini")

/** The status of an answer, if a call of QQ failed. */
const statusOf = (error) => {
  if (error.reason._tag === "InvalidCode") return 401
  if (error.reason._tag === "InvalidInput") return 400
  return error.isRetryable ? 503 : 500
}

/** Makes the app with a client of `createQQMini`. */
const makeApp = (qq) => {
  const app = express()
  const comments = []
  app.use(express.json())

  app.post("/login", async (request, response) => {
    const { openid } = await qq.auth.code2Session({ code: request.body.code })
    response.json({ openid })
  })

  app.post("/comments", async (request, response) => {
    const { text } = request.body
    const { risky } = await qq.security.msgSecCheck({ content: text })
    if (risky) return response.status(422).json({ problem: "risky" })
    // Only a text that QQ passed comes here: where QQ can't check it, the line above throws.
    comments.push(text)
    response.status(201).json({ text })
  })

  app.get("/comments", (request, response) => response.json(comments))

  // Express 5 comes here when a handler's promise is rejected.
  app.use((error, request, response, next) => {
    if (!isQQError(error) || response.headersSent) return next(error)
    console.error(error.message)
    if (error.retryAfter !== undefined) response.set("Retry-After", String(Math.ceil(error.retryAfter / 1000)))
    response.status(statusOf(error)).json({ problem: error.reason._tag })
  })
  return app
}

module.exports = { makeApp }
