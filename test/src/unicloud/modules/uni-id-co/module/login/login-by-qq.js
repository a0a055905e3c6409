/** QQ's login. The functions of other logins are taken when this file is loaded. */
"use strict"

const { initQQ } = require("../../lib/third-party/index")

module.exports = async function ({ accessToken, code }) {
  const name = this.clientPlatform === "mp-qq" ? "code2Session" : "getOpenidByToken"
  let account
  try {
    account = await initQQ.call(this)[name]({ code, accessToken })
  } catch (error) {
    console.error(error)
    throw new Error("uni-id-get-third-party-account-failed", { cause: error })
  }
  const { openid, sessionKey, unionid } = account
  if (sessionKey !== undefined) {
    // as its bridge stores it
    await uniCloud
      .database()
      .collection("opendb-open-data")
      .doc(`uni-id:qq-mp:1112345678:${openid}:session-key`)
      .set({ value: JSON.stringify({ session_key: sessionKey }), expired: -1 })
  }
  return { openid, unionid }
}
