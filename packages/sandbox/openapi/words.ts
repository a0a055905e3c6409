/** What the endpoints' values don't tell: summaries, and how certain each part is. */

/** A text in both languages. */
export interface Words {
  readonly en: string
  readonly zh: string
}

/** A text of the document, in both languages. */
export const both = ({ en, zh }: Words): string => `${en}\n\n${zh}`

/**
 * How a part is known: `documented` by QQ, `captured` in a real answer, from `other-clients`, from QQ's published
 * `message-types`, `inferred`, or `unknown`.
 */
export type Source = "documented" | "captured" | "other-clients" | "message-types" | "inferred" | "unknown"

/** The words of a call. */
export interface Call {
  readonly summary: Words
  readonly note?: Words
  /** Where QQ documents the call. */
  readonly source?: Words
  readonly certainty: {
    readonly request: ReadonlyArray<Source>
    readonly answer: ReadonlyArray<Source>
    readonly limits?: ReadonlyArray<Source>
    readonly codes: ReadonlyArray<Source>
  }
  /** Whether it is not known how its errors are spelled. */
  readonly isSpellingUnknown?: true
  /** The codes that are known from other clients alone, if the others are documented. */
  readonly codesOfOthers?: ReadonlyArray<number>
}

const page = (title: string): Words => ({ en: `QQ's document "${title}"`, zh: `QQ 文档“${title}”` })

const gamePayments = { en: "QQ's document on payments in mini games", zh: "QQ 小游戏支付文档" }
const wxPayments = { en: "QQ's document on payments with WeChat Pay", zh: "QQ 微信支付文档" }

const D = ["documented"] as const
const C = ["other-clients"] as const
const none = ["unknown"] as const

const proxyNote = {
  en: "QQ's proxy passes the order on to WeChat Pay. QQ's own refusals have the codes 9030 to 9034.",
  zh: "QQ 代理把订单转发给微信支付。QQ 自身的错误码为 9030 至 9034。"
}

const proxy = (en: string, zh: string): Call => ({
  summary: { en, zh },
  note: proxyNote,
  source: wxPayments,
  certainty: { request: D, answer: D, codes: D }
})

const midas = (en: string, zh: string): Call => ({
  summary: { en, zh },
  note: {
    en: "Signed twice: with the AppKey of Midas (`sig`) and with the session key (`qq_sig`). An integer of the answer that is 0 may be left out.",
    zh: "签名两次：以米大师 AppKey 计算 `sig`，以 session_key 计算 `qq_sig`。返回中值为 0 的整数可能缺省。"
  },
  certainty: { request: C, answer: ["message-types", "inferred"], codes: C }
})

const calls: Readonly<Record<string, Call>> = {
  "auth.getAccessToken": {
    summary: { en: "Fetches an access token", zh: "获取 access_token" },
    note: {
      en: "A new token invalidates the old one after 5 minutes, so one place should fetch it for all.",
      zh: "获取新的 access_token 后，旧的 5 分钟后失效，应由一处统一获取。"
    },
    source: page("getAccessToken"),
    certainty: { request: D, answer: ["documented", "captured"], codes: D }
  },
  "auth.code2Session": {
    summary: { en: "Turns a login code into the user's openid", zh: "登录凭证校验" },
    source: page("code2Session"),
    certainty: { request: D, answer: ["documented", "captured"], limits: D, codes: ["documented", "other-clients"] },
    codesOfOthers: [40001, 40163, -1009, -2100, -101600007]
  },
  "acode.getMiniCode": {
    summary: { en: "Makes a mini code", zh: "获取小程序码" },
    note: {
      en: "Answers with the image itself. Its type is not documented.",
      zh: "成功时返回图片本身，图片格式文档未说明。"
    },
    source: page("createMiniCode"),
    certainty: { request: D, answer: ["documented", "inferred"], limits: D, codes: ["documented", "other-clients"] },
    codesOfOthers: [41030]
  },
  "security.msgSecCheck": {
    summary: { en: "Checks a text", zh: "检查文本是否违规" },
    note: {
      en: "Only `errCode: 0` is a pass. QQ is said to take the body as a form too.",
      zh: "只有 `errCode: 0` 表示通过。据其他客户端，请求体也可以是表单。"
    },
    source: page("msgSecCheck"),
    certainty: { request: D, answer: ["documented", "captured"], limits: D, codes: D }
  },
  "security.imgSecCheck": {
    summary: { en: "Checks an image", zh: "检查图片是否违规" },
    note: { en: "Only `errCode: 0` is a pass.", zh: "只有 `errCode: 0` 表示通过。" },
    source: page("imgSecCheck"),
    certainty: { request: D, answer: D, limits: D, codes: ["documented", "other-clients"] },
    codesOfOthers: [40006]
  },
  "security.mediaCheckAsync": {
    summary: { en: "Starts the check of a sound or a picture", zh: "异步检查音频或图片" },
    note: {
      en: "How QQ tells the verdict is not documented, nor whether its errors are spelled `errcode` or `errCode`.",
      zh: "检查结果如何返回、错误字段是 `errcode` 还是 `errCode`，文档均未说明。"
    },
    certainty: { request: C, answer: C, limits: ["other-clients", "inferred"], codes: none },
    isSpellingUnknown: true
  },
  "subscribeMessage.send": {
    summary: { en: "Sends a subscription message", zh: "发送订阅消息" },
    source: page("sendSubscriptionMessage"),
    certainty: { request: D, answer: D, limits: D, codes: ["documented", "other-clients"] },
    codesOfOthers: [40003, 43101, 47003]
  },
  "templateMessage.send": {
    summary: { en: "Sends a template message", zh: "发送模板消息" },
    source: page("sendTemplateMessage"),
    certainty: { request: D, answer: D, limits: D, codes: D }
  },
  "openData.setUserStorage": {
    summary: { en: "Stores data of a user", zh: "保存用户的托管数据" },
    source: page("setUserStorage"),
    certainty: { request: D, answer: D, codes: none }
  },
  "openData.removeUserStorage": {
    summary: { en: "Removes data of a user", zh: "删除用户的托管数据" },
    source: page("removeUserStorage"),
    certainty: { request: D, answer: D, codes: none }
  },
  "openData.setUserInteractiveData": {
    summary: { en: "Sets interactive data of a user", zh: "设置用户的互动数据" },
    certainty: { request: C, answer: ["inferred"], codes: none }
  },
  "encryption.getUserEncryptKey": {
    summary: { en: "Reads the last encryption keys of a user", zh: "获取用户最近的加密密钥" },
    note: { en: "The body is `{}`.", zh: "请求体为 `{}`。" },
    certainty: { request: C, answer: C, codes: none }
  },
  "gamePay.prePay": {
    summary: { en: "Makes an order in a game", zh: "游戏内下单" },
    source: gamePayments,
    certainty: { request: D, answer: ["documented", "message-types"], codes: D }
  },
  "gamePay.checkPay": {
    summary: { en: "Reads whether an order is paid", zh: "查询订单是否已支付" },
    note: { en: "A `pay_state` of 0 may be left out.", zh: "值为 0 的 `pay_state` 可能缺省。" },
    source: gamePayments,
    certainty: { request: D, answer: ["other-clients", "message-types"], codes: D }
  },
  "gamePay.getBalance": {
    summary: { en: "Reads the balance of a user", zh: "查询用户余额" },
    note: { en: "A `remainder` of 0 may be left out.", zh: "值为 0 的 `remainder` 可能缺省。" },
    certainty: { request: C, answer: ["message-types"], codes: C }
  },
  "midasPay.pay": midas("Takes coins from a user", "扣除用户的游戏币"),
  "midasPay.getBalance": midas("Reads how many coins a user has", "查询用户的游戏币余额"),
  "midasPay.present": midas("Gives coins to a user", "赠送游戏币"),
  "wxPayProxy.unifiedOrder": proxy("Makes an H5 order of WeChat Pay, version 2", "微信支付 V2 的 H5 下单"),
  "wxPayProxy.h5": proxy("Makes an H5 order of WeChat Pay, version 3", "微信支付 V3 的 H5 下单"),
  "wxPayProxy.partnerH5": proxy("Makes an H5 order for a partner's merchant", "微信支付 V3 服务商的 H5 下单"),
  "wxPayProxy.combineH5": proxy("Makes an H5 order of several orders", "微信支付 V3 的 H5 合单下单")
}

/** The words of a call by its name. */
export const callOf = (name: string): Call => {
  const call = calls[name]
  if (call === undefined) throw new Error(`words.ts does not describe ${name}`)
  return call
}

/** The common codes that are known from other clients alone. */
export const commonCodesOfOthers: ReadonlyArray<number> = [40001, 42001]

/** The groups of calls. */
export const groupWords: Readonly<Record<string, Words>> = {
  auth: { en: "Tokens and login", zh: "凭证与登录" },
  acode: { en: "Mini codes", zh: "小程序码" },
  security: { en: "Content checks", zh: "内容安全" },
  subscribeMessage: { en: "Subscription messages", zh: "订阅消息" },
  templateMessage: { en: "Template messages", zh: "模板消息" },
  openData: { en: "Data of users that QQ keeps", zh: "用户托管数据" },
  encryption: { en: "Encryption keys of users", zh: "用户加密密钥" },
  gamePay: { en: "Purchases in mini games", zh: "小游戏支付" },
  midasPay: { en: "Coins at Midas", zh: "米大师游戏币" },
  wxPayProxy: { en: "WeChat Pay through QQ's proxy", zh: "微信支付代理" }
}
