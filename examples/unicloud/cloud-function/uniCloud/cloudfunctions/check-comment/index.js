// 发表评论：文字和图片都检测通过，才保存。
"use strict"

const { randomUUID } = require("crypto")
const { createQQMini, isQQError } = require("qq-mini")

// 在处理函数之外创建一次；第一次调用之前不会发送请求
const qq = createQQMini({ configCenter: require("uni-config-center") })

// 两次检测加起来，仍在云函数默认的 5 秒之内
const limits = { deadline: 2000 }

const check = async (content, picture) => {
  try {
    const text = await qq.security.msgSecCheck({ content }, limits)
    if (text.risky) return { errCode: "risky-text", errMsg: "文字含有违规内容，请修改" }
    if (picture === undefined) return undefined
    const image = await qq.security.imgSecCheck({ media: picture }, limits)
    return image.risky ? { errCode: "risky-image", errMsg: "图片含有违规内容，请更换" } : undefined
  } catch (error) {
    if (!isQQError(error)) throw error
    // 内容为空、过长，或图片过大：请用户修改
    if (error.reason._tag === "InvalidInput") return { errCode: "invalid-content", errMsg: error.help.zh }
    // 没有检测成功，不等于通过；原因写入日志，不给用户看
    console.error(error.message)
    return { errCode: "not-checked", errMsg: "暂时无法检测，请稍后再试" }
  }
}

/** event：content 为文字；image 可选，为图片的 base64（不含 data: 前缀）。 */
exports.main = async ({ content, image }) => {
  const picture = image ? Buffer.from(image, "base64") : undefined
  const refused = await check(content, picture)
  if (refused !== undefined) return refused

  const comment = { content, time: Date.now() }
  if (picture !== undefined) {
    const { fileID } = await uniCloud.uploadFile({ cloudPath: `comments/${randomUUID()}`, fileContent: picture })
    comment.image = fileID
  }
  const { id } = await uniCloud.database().collection("comments").add(comment)
  return { errCode: 0, errMsg: "", id }
}
