/** Stands for undici, and loads it when the first agent is made: by the first call of a client. */
exports.Agent = function (options) {
  const { Agent } = require("./undiciParts.cjs")
  return new Agent(options)
}
exports.EnvHttpProxyAgent = function (options) {
  const { EnvHttpProxyAgent } = require("./undiciParts.cjs")
  return new EnvHttpProxyAgent(options)
}
exports.request = (...args) => require("./undiciParts.cjs").request(...args)
