// 向全部订阅者群发一条消息：由定时触发器每分钟调用一次，每次发送一段时间，直到发完。
"use strict"

const { createBroadcast, createQQMini, readRecipients } = require("qq-mini")

const qq = createQQMini({ configCenter: require("uni-config-center") })

const broadcast = createBroadcast(qq, {
  // 换一个名称就是另一次群发，每个人会再次收到
  id: "spring-2027",
  template_id: "your-template-id",
  page: "pages/index/index",
  recipients: readRecipients(uniCloud.database(), "subscribers", {
    where: { subscribed: true },
    field: { openid: true, nickname: true }
  }),
  message: ({ nickname, openid }) => ({ touser: openid, data: { keyword1: { value: nickname } } })
})

const actions = new Set(["progress", "pause", "resume", "cancel", "resendUnknown"])

/** 没有 action 时（定时触发）发送一段时间，否则查看进度、暂停、继续、取消，或向结果不明的人再次发送。 */
exports.main = async ({ action }, { SOURCE }) => {
  // 否则任何人都能从客户端调用
  if (SOURCE === "client" || SOURCE === "http") return { errCode: "internal-only", errMsg: "只供定时触发与控制台运行" }
  if (actions.has(action)) return await broadcast[action]()
  // 云函数的超时时间是 60 秒
  const { badRows, ...progress } = await broadcast.step({ budget: 50000 })
  for (const { field, line, problem } of badRows) console.error(`第 ${line} 行：${field} ${problem.zh}`)
  return progress
}
