"use strict"

const { toVkError } = require("qq-mini")

module.exports = {
  /**
   * 文本检测
   * data：{ content, appid? }
   * code 为 0 才是通过；违规为 87014；没有检测成功时也不是 0
   */
  main: async (event) => {
    let { data = {}, util } = event
    let { vk } = util
    let { appid, content } = data
    return await vk.openapi.qq.security.msgSecCheck({ appid, content }).catch(toVkError)
  }
}
