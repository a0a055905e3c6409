"use strict"

const { toVkError } = require("qq-mini")

module.exports = {
  /**
   * 订阅消息；正式项目请检查调用者的权限
   * data：{ touser, template_id, page, data, appid? }
   */
  main: async (event) => {
    let { data: message = {}, util } = event
    let { vk } = util
    let { appid, data, page, template_id, touser } = message
    return await vk.openapi.qq.subscribeMessage.send({ appid, data, page, template_id, touser }).catch(toVkError)
  }
}
