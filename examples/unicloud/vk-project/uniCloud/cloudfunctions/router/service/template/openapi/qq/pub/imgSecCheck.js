"use strict"

const { toVkError } = require("qq-mini")

module.exports = {
  /**
   * 图片检测
   * data：{ base64, appid? }
   */
  main: async (event) => {
    let { data = {}, util } = event
    let { vk } = util
    let { appid, base64 } = data
    return await vk.openapi.qq.security.imgSecCheck({ appid, base64 }).catch(toVkError)
  }
}
