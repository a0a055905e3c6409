/**
 * `uniCloud` as a cloud function has it: the real urllib 2, the database of `database.ts`, and what tells the app. Cloud
 * functions run it too: CommonJS, for Node 12.
 */
"use strict"

const http = require("http")
const urllib = require("urllib")
const { connect } = require("./database-client.cjs")

/** `uniCloud.request`: bytes in and out, and errors that hold the URL, as those of urllib do. */
const request = ({ data, header, method, responseType, timeout, url }) =>
  new Promise((resolve, reject) => {
    const outgoing = http.request(url, { method, headers: header, timeout }, (response) => {
      const parts = []
      response.on("data", (part) => parts.push(part))
      response.on("error", failed)
      response.on("end", () => {
        const bytes = Buffer.concat(parts)
        // text, unless bytes are asked for
        const data = responseType === "buffer" ? bytes : bytes.toString()
        resolve({ statusCode: response.statusCode, header: response.headers, data })
      })
    })
    const failed = (error) => reject(Object.assign(new Error(`${error.message}, ${url}`), { code: error.code }))
    outgoing.on("error", failed)
    outgoing.on("timeout", () => outgoing.destroy(Object.assign(new Error("timeout"), { code: "ESOCKETTIMEDOUT" })))
    outgoing.end(data instanceof ArrayBuffer ? Buffer.from(data) : data)
  })

/** @param {{ database?: string, redis?: () => unknown, dcloudAppid?: string }} options */
const makeUniCloud = ({ database, dcloudAppid = "__UNI__TEST", redis } = {}) => ({
  httpclient: { request: (url, options) => urllib.request(url, options) },
  request,
  database: () => connect(database),
  redis: () => {
    if (redis === undefined) throw new Error("redis extension is not enabled")
    return redis()
  },
  getClientInfos: () => [{ appId: dcloudAppid }]
})

module.exports = { makeUniCloud }
