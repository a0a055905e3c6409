/** Clients that people use for such APIs: WeChat's, the nearest to QQ's, and Stripe's, the best kept. */
import WeChat from "co-wechat-api"
import { Stripe } from "stripe"
import { AccessTokenApi, ApiConfig, ApiConfigKit, MiniProgramApi } from "tnwx"
import { appid, appsecret, content, promises, type Start } from "../subject.ts"

export const coWechatApi: Start = async (url) => {
  const api = new WeChat(appid, appsecret)
  api.prefix = `${url}/cgi-bin/`
  return {
    text: promises(() => api.createMenu({ button: [{ name: content }] })),
    token: promises(() => api.ensureAccessToken())
  }
}

export const tnwx: Start = async (url) => {
  const toLocal = (api: any, name: string) => (api[name] = api[name].replace("https://api.weixin.qq.com", url))
  ApiConfigKit.putApiConfig(new ApiConfig(appid, appsecret, "token"))
  ApiConfigKit.setCurrentAppId(appid)
  toLocal(AccessTokenApi, "url")
  toLocal(MiniProgramApi, "msgSecCheckUrl")
  return {
    text: promises(() => MiniProgramApi.msgSecCheck(content)),
    token: promises(() => AccessTokenApi.getAccessToken())
  }
}

export const stripe: Start = async (url) => {
  const { hostname, port } = new URL(url)
  const api = new Stripe("sk_test_bench", {
    host: hostname,
    port,
    protocol: "http",
    telemetry: false,
    maxNetworkRetries: 0
  })
  return { text: promises(() => api.customers.create({ name: content })) }
}
