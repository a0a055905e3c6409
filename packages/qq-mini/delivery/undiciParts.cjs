/** The parts of undici that are used. Loaded whole, it would take four times as long. */
const { request } = require("undici/lib/api/index.js")

exports.Agent = require("undici/lib/dispatcher/agent.js")
exports.EnvHttpProxyAgent = require("undici/lib/dispatcher/env-http-proxy-agent.js")
/** As undici's `request` with a dispatcher. */
exports.request = (url, { dispatcher, ...options }) => {
  const { origin, pathname, search } = new URL(url)
  return request.call(dispatcher, { origin, path: `${pathname}${search}`, method: "GET", ...options })
}
