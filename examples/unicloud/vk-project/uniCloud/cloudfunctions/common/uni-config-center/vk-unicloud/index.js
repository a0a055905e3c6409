"use strict"

module.exports = {
  vk: {
    // 同一后端的其他 QQ 小程序
    oauth: { qq: { list: [{ appid: "1198765432", appsecret: "your-other-appsecret" }] } },
    crypto: { aes: "your-aes-key" }
  }
}
