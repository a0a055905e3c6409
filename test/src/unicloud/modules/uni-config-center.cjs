/** As much of uni-config-center as is used: the files below it, by plugin. */
"use strict"

const { existsSync } = require("fs")
const { join } = require("path")

module.exports = ({ pluginId }) => {
  const at = (name) => join(__dirname, pluginId, name)
  return {
    config: () => (existsSync(at("config.json")) ? require(at("config.json")) : undefined),
    requireFile: (name) => require(at(name))
  }
}
