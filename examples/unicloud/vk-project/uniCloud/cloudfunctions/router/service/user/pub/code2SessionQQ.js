"use strict"

const { toVkError } = require("qq-mini")

module.exports = {
  /**
   * 用 qq.login 的 code 换取 openid
   * data：{ code, appid? }
   */
  main: async (event) => {
    let { data = {}, util } = event
    let { vk } = util
    let { appid, code } = data
    // encryptedKey 可以下发，其中没有 AppSecret
    return await vk.openapi.qq.auth.code2Session({ appid, code }).catch(toVkError)
  }
}
