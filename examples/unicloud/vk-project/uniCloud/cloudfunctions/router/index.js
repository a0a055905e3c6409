"use strict"

const { createVkOpenapiQQ } = require("qq-mini")
const vkCloud = require("vk-unicloud")

const vk = vkCloud.createInstance({ baseDir: __dirname, requireFn: require })

// 全部改动就是这一行：service 中的 vk.openapi.qq 从此由 qq-mini 提供
vk.openapi.qq = createVkOpenapiQQ({ configCenter: require("uni-config-center") })

exports.main = async (event, context) => await vk.router({ event, context, vk })
