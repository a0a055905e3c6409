/** As much of uni-open-bridge-common as is used: it finds a program by its app, and stores in opendb-open-data. */
"use strict"

const configCenter = require("uni-config-center")

const idOf = (key) => {
  const config = configCenter({ pluginId: "uni-id" }).config()
  const app = Array.isArray(config) ? config.find(({ dcloudAppid }) => dcloudAppid === key.dcloudAppid) : config
  if (key.provider !== "qq-mp" || app === undefined) throw new Error("appid or provider invalid")
  key.appid = app["mp-qq"].oauth.qq.appid
  return `uni-id:${key.provider}:${key.appid}:access-token`
}

const documentOf = (key) => uniCloud.database().collection("opendb-open-data").doc(idOf(key))

module.exports = {
  getAccessToken: async (key, fallback) => {
    const { data } = await documentOf(key).get()
    const [found] = data
    return found !== undefined && found.expired > Date.now() ? JSON.parse(found.value) : (await fallback(key)).value
  },
  setAccessToken: (key, value, seconds) =>
    documentOf(key).set({ value: JSON.stringify(value), expired: Date.now() + seconds * 1_000 }),
  removeAccessToken: (key) => documentOf(key).remove()
}
