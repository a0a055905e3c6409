/** As much of uni-id-co as QQ's login sees: the platform of the client, and the method. */
"use strict"

const loginByQQ = require("./module/login/login-by-qq")

module.exports = {
  _before() {
    this.clientPlatform = this.getClientInfo().uniPlatform
  },
  loginByQQ
}
