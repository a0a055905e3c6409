"use strict"

const { toVkError } = require("qq-mini")

module.exports = {
  /**
   * 小程序码；一共只有 50 个，正式项目请保存生成的图片，并检查调用者的权限
   * data：{ path, appid? }
   */
  main: async (event) => {
    let { data = {}, util } = event
    let { vk } = util
    let { appid, path } = data
    let image = await vk.openapi.qq.acode.getMiniCode({ appid, path }).catch(toVkError)
    if (image.code !== 0) return image
    return { code: 0, msg: "", base64: image.toString("base64") }
  }
}
