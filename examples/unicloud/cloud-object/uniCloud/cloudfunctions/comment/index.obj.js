// 评论所需的 QQ 接口。
"use strict"

const { createQQMini, toUniError } = require("qq-mini")

const qq = createQQMini({ configCenter: require("uni-config-center") })

const internalOnly = { errCode: "internal-only", errMsg: "只供其他云函数、云对象调用" }

module.exports = {
  /** 每个方法之后：QQError 变为 { errSubject, errCode, errMsg }，其他错误照常抛出。 */
  _after(error, result) {
    if (error) return toUniError(error)
    return { errCode: 0, errMsg: "", ...result }
  },

  /** 检测文字：{ risky }。没有检测成功时返回错误，不会返回 risky: false。 */
  async check(content) {
    return await qq.security.msgSecCheck({ content })
  },

  /** 用 qq.login 的 code 登录：{ openid, unionid }。 */
  async login(code) {
    // 不要 needKey：session_key 不可下发到客户端
    return await qq.auth.code2Session({ code })
  },

  /** 告诉作者有新回复。只供其他云函数调用，否则任何人都能给别人发消息。 */
  async send({ openid, templateId, reply }) {
    if (this.getClientInfo().source !== "function") return internalOnly
    await qq.subscribeMessage.send({
      touser: openid,
      template_id: templateId,
      page: "pages/index/index",
      data: { keyword1: { value: reply } }
    })
  },

  /** 打开某个页面的小程序码：{ base64 }。一共只有 50 个，所以同一页面只生成一次，也只供其他云函数调用。 */
  async miniCode(path) {
    if (this.getClientInfo().source !== "function") return internalOnly
    const saved = uniCloud.database().collection("mini-codes").doc(encodeURIComponent(path))
    const { data } = await saved.get()
    if (data.length > 0) return { base64: data[0].base64 }
    const { bytes } = await qq.acode.getMiniCode({ path })
    const base64 = Buffer.from(bytes).toString("base64")
    await saved.set({ base64 })
    return { base64 }
  }
}
