/** The nicknames of a game's players, in CommonJS. The program comes from QQ_APPID and QQ_APPSECRET. */
const { createQQMini, isQQError } = require("qq-mini")

const qq = createQQMini()
const nicknames = new Map()

/** The openid of the user who got this code from `qq.login`. */
const logIn = async (code) => (await qq.auth.code2Session({ code })).openid

/** Gives a player a nickname, unless it is risky. One that QQ can't check now is not given. */
const rename = async (openid, nickname) => {
  try {
    const { risky } = await qq.security.msgSecCheck({ content: nickname })
    if (risky) return "refused"
  } catch (error) {
    if (isQQError(error) && error.isRetryable) return "try again later"
    throw error
  }
  nicknames.set(openid, nickname)
  return "renamed"
}

/** Tells a player that it is their turn. Returns whether QQ took the message. */
const callUp = async (openid, template_id) => {
  try {
    const value = nicknames.get(openid) ?? "player"
    await qq.subscribeMessage.send({ touser: openid, template_id, data: { keyword1: { value } } })
    return true
  } catch (error) {
    if (isQQError(error) && ["NotSubscribed", "UserRefused"].includes(error.reason._tag)) return false
    throw error
  }
}

module.exports = { callUp, logIn, nicknames, rename, close: () => qq.close() }
