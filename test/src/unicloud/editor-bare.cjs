/** A project without the types of Node and the DOM, as most of uniCloud are. */
"use strict"

const { createQQMini, createVkOpenapiQQ } = require("qq-mini")

const qq = createQQMini({ appid: "1112345678", appsecret: "secret", tokenKey: new Uint8Array(32) })

/** @param {string} content */
exports.check = async (content) => {
  const { risky } = await qq.security.msgSecCheck({ content }, { signal: { aborted: false } })
  const image = await createVkOpenapiQQ().acode.getMiniCode()
  return [risky, image.code]
}
