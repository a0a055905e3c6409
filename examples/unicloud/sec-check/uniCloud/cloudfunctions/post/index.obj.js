// 发布动态：文字与图片都检测通过，才保存。写法与 uni-sec-check 相同。
"use strict"

const { createQQMini, toUniError, UniSecCheck } = require("qq-mini")

// 在方法之外创建一次，所有请求共用
const qq = createQQMini({ configCenter: require("uni-config-center") })

// 两次检测加起来，仍在云对象默认的 5 秒之内
const limits = { deadline: 2000 }

module.exports = {
  /** 没有得到 QQ 的答复（超时、连接失败等）时抛出 QQError：没有检测成功，不等于通过。 */
  _after(error, result) {
    if (error) return toUniError(error)
    return result
  },

  /** content 为文字；image 可选，为客户端上传到云存储后得到的文件 ID。 */
  async publish({ content, image }) {
    const uniSecCheck = new UniSecCheck({ qq, provider: "mp-qq", requestId: this.getUniCloudRequestId() })

    const text = await uniSecCheck.textSecCheck({ content, scene: 3 }, limits)
    // 只有 0 才是通过
    if (text.errCode !== 0) return text

    if (image !== undefined) {
      // 云函数会下载它，所以只接受自己的云存储（阿里云的文件 ID 以 https:// 加自己的域名开头）
      if (!image.startsWith("cloud://")) return { errCode: "wrong-image", errMsg: "图片不在云存储中" }
      const picture = await uniSecCheck.imgSecCheck({ image }, limits)
      if (picture.errCode === uniSecCheck.ErrorCode.RISK_CONTENT) await uniCloud.deleteFile({ fileList: [image] })
      if (picture.errCode !== 0) return picture
    }

    const { id } = await uniCloud.database().collection("posts").add({ content, image, time: Date.now() })
    return { errCode: 0, errMsg: "", id }
  }
}
