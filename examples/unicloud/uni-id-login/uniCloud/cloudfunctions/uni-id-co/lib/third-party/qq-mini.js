// QQ 小程序登录改由 qq-mini 进行；其他平台（如 App 的 QQ 登录）仍用 uni-id-co 自己的。
"use strict"

const { createInitQQ, createQQMini } = require("qq-mini")
const thirdParty = require("./index")

const qq = createQQMini({ configCenter: require("uni-config-center") })

thirdParty.initQQ = createInitQQ(qq, thirdParty.initQQ)
