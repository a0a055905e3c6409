/** As much of vk-unicloud as its functions see: `createInstance`, `openapi`, and a router that runs files of `service`. */
"use strict"

const configCenter = require("uni-config-center")

const config = configCenter({ pluginId: "vk-unicloud" }).requireFile("index.js")
const openapi = { qq: { init: () => {} } }

const createInstance = ({ requireFn }) => {
  openapi.qq.init({ config, configCenter })
  return {
    openapi,
    router: async ({ event, vk }) => {
      const { $url, data } = event
      const util = { vk, config, configCenter, db: uniCloud.database(), _: {} }
      const service = requireFn(`./service/${$url}`)
      return service.main({ data, util, userInfo: {}, filterResponse: {}, originalParam: { event } })
    }
  }
}

module.exports = { createInstance, openapi }
