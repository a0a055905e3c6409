/** The logins of other companies. */
"use strict"

module.exports = {
  initQQ() {
    const platform = this.clientPlatform
    return { getOpenidByToken: async () => ({ openid: `of ${platform}` }) }
  }
}
