// 定时发送提醒：两个应用（各有自己的 QQ 小程序）共用一个后端。写法与 uni-subscribemsg 相同。
"use strict"

const { createQQMini, isQQError, UniSubscribemsg } = require("qq-mini")

// access_token 存放在 uni-open-bridge，与使用它的其他代码共用
const qq = createQQMini({
  configCenter: require("uni-config-center"),
  store: require("uni-open-bridge-common")
})

/** 由定时触发器调用，此时没有客户端，也就没有当前应用：每条提醒记下了自己的 dcloudAppid。 */
exports.main = async () => {
  const reminders = uniCloud.database().collection("reminders")
  const { data } = await reminders.where({ state: "due" }).get()
  const results = []
  for (const { _id, dcloudAppid, keywords, openid, templateId } of data) {
    const uniSubscribemsg = new UniSubscribemsg({ qq, dcloudAppid, provider: "qq-mp" })
    let state
    try {
      const { errCode } = await uniSubscribemsg.sendSubscribeMessage({
        touser: openid,
        template_id: templateId,
        page: "pages/index/index",
        data: keywords
      })
      state = errCode === 0 ? "sent" : `refused ${errCode}`
    } catch (error) {
      if (!isQQError(error)) throw error
      // 无法确定是否已发送：不再发送，否则用户可能收到两次
      state = error.reason._tag === "OutcomeUnknown" ? "unknown" : "due"
      console.error(error.message)
    }
    await reminders.where({ _id }).updateAndReturn({ state })
    results.push(state)
  }
  return results
}
