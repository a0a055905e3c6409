/** What each field of QQ's API means: the fields of requests and answers by their wire names. */
import type { JsonSchema } from "effect/JsonSchema"

/** A field. Its type comes from the endpoint. */
export interface Field {
  readonly en: string
  readonly zh: string
  /** A value for the examples of the document, if it can't be built of the fields inside. */
  readonly example?: unknown
  /** What the endpoint's schema can't tell in JSON Schema. */
  readonly schema?: JsonSchema
}

/** A field whose viewers should hide its value. */
const secret = (en: string, zh: string, example: string): Field => ({ en, zh, example, schema: { format: "password" } })

const templateId = { en: "The id of the template at q.qq.com.", zh: "q.qq.com 上的模板 id。", example: "TEMPLATE-1" }

const notifyUrl = {
  en: "Your address, to which the result of the payment is posted.",
  zh: "接收支付结果的商户地址。",
  example: "https://example.com/notify",
  schema: { pattern: "^https?://\\S+$" }
}

// `*` stands for the entries of an array or of an object of keywords. The example of `gamePay.prePay` is that of QQ's
// document, so that its signature can be compared.
const common: Readonly<Record<string, Field>> = {
  access_token: secret("The program's access token.", "小程序的 access_token。", "ACCESS_TOKEN"),
  amt: { en: "The amount.", zh: "金额。", example: 10 },
  app_remark: {
    en: "Your remark. How characters other than `A-Za-z0-9_.-` are signed is not documented.",
    zh: "备注。`A-Za-z0-9_.-` 以外的字符如何参与签名，文档未说明。",
    example: "xxxxx"
  },
  appid: { en: "The appid of the program.", zh: "小程序的 appid。", example: "1107981003" },
  balance: { en: "The coins that the user has then.", zh: "操作后用户的游戏币余额。", example: 90 },
  bill_no: {
    en: "Your number of the order, at most 63 bytes. QQ charges a number only once.",
    zh: "商户订单号，最多 63 字节。同一订单号不会重复扣款。",
    example: "69ae13a3a87f2551109a2ed26bc704201f56d664"
  },
  content: {
    en: "The text, at most 500 KB as UTF-8.",
    zh: "要检查的文本，UTF-8 编码不超过 500 KB。",
    example: "床前明月光，疑是地上霜"
  },
  data: { en: "The keywords of the template.", zh: "模板的关键词。" },
  "data.*": { en: "A keyword.", zh: "关键词。" },
  "data.*.value": { en: "The text that the user sees.", zh: "用户看到的文字。", example: "已发货" },
  emphasis_keyword: { en: "The keyword in large print.", zh: "放大显示的关键词。", example: "keyword1.DATA" },
  errcode: { en: "0: QQ did it.", zh: "0 表示成功。", example: 0, schema: { type: "integer" } },
  errmsg: {
    en: "QQ's text. It may be empty.",
    zh: "返回的说明，可能为空。",
    example: "ok",
    schema: { type: "string" }
  },
  expires_in: {
    en: "For how many seconds the token is valid, at most 7200.",
    zh: "有效期，单位秒，不超过 7200。",
    example: 7200
  },
  extInfo: { en: "Not documented.", zh: "文档未说明。", example: "" },
  form_id: {
    en: "The id of the form that the user submitted. It allows one message.",
    zh: "用户提交表单得到的 form_id，只能发送一条。",
    example: "FORM-1"
  },
  good_num: { en: "How many goods.", zh: "道具数量。", example: 1 },
  goodid: { en: "The good at q.qq.com.", zh: "q.qq.com 上的道具 id。", example: "43" },
  grant_type: { en: "Always this value.", zh: "固定值。" },
  h5_url: { en: "The page that the user pays on.", zh: "用户支付的页面。", example: "https://wx.tenpay.com/pay" },
  js_code: secret(
    "The code of `qq.login`: valid once, for 5 minutes.",
    "`qq.login` 得到的 code，5 分钟内有效，只能使用一次。",
    "LOGIN-CODE"
  ),
  key: { en: "The keys to remove.", zh: "要删除的 key。", example: ["k"] },
  "key.*": { en: "A key.", zh: "key。" },
  key_info_list: { en: "The last keys of the user.", zh: "用户最近的密钥。" },
  "key_info_list.*": { en: "A key.", zh: "密钥。" },
  "key_info_list.*.create_time": {
    en: "When it was made, in seconds since 1970.",
    zh: "生成时间，Unix 秒。",
    example: 1507530737
  },
  "key_info_list.*.encrypt_key": secret("The key, in base64.", "密钥，base64。", "MTIzNDU2Nzg5MDEyMzQ1Ng=="),
  "key_info_list.*.expire_in": {
    en: "For how many seconds it is still valid.",
    zh: "剩余有效期，单位秒。",
    example: 3600
  },
  "key_info_list.*.iv": {
    en: "The initialisation vector, in base64.",
    zh: "初始向量，base64。",
    example: "MTIzNDU2Nzg5MDEyMzQ1Ng=="
  },
  "key_info_list.*.version": { en: "Its number.", zh: "密钥版本。", example: 1 },
  kv_list: { en: "The pairs, at most 128.", zh: "键值对，最多 128 个。" },
  "kv_list.*": { en: "Key and value have at most 1,024 bytes together.", zh: "key 与 value 共不超过 1024 字节。" },
  "kv_list.*.key": { en: "At most 128 bytes.", zh: "不超过 128 字节。", example: "k" },
  "kv_list.*.value": { en: "Any text.", zh: "任意文字。", example: "v" },
  media: {
    en: "The image: PNG, JPEG or GIF, at most 1 MB and 750 × 1334 pixels.",
    zh: "图片文件：PNG、JPEG 或 GIF，不超过 1 MB，不超过 750 × 1334 像素。",
    schema: { type: "string", format: "binary", contentMediaType: "application/octet-stream" }
  },
  media_type: { en: "1: a sound. 2: a picture.", zh: "1 为音频，2 为图片。", example: 2 },
  media_url: {
    en: "Where QQ can load it, at most 10 MB.",
    zh: "QQ 可以访问的文件地址，不超过 10 MB。",
    example: "https://example.com/a.png",
    schema: { pattern: "^https?://\\S+$" }
  },
  mweb_url: { en: "The page that the user pays on.", zh: "用户支付的页面。", example: "https://wx.tenpay.com/pay" },
  oac_appid: {
    en: "The official account that sends the message. It must be bound to the program.",
    zh: "发送消息的公众号，须与小程序绑定。",
    example: "1100000001"
  },
  offer_id: { en: "The offer at Midas.", zh: "米大师的 offer_id。", example: "1450000001" },
  openid: {
    en: "The user's id in the program.",
    zh: "用户在该小程序的 openid。",
    example: "55107C3B8501CD7CBD90AEE4626E6D17"
  },
  openkey: secret("The session key of the user's last login.", "用户最近一次登录的 session_key。", ""),
  page: {
    en: "The page that opens when the user taps the message. A query is allowed.",
    zh: "点击消息打开的页面，可以带参数。",
    example: "pages/index/index?from=message"
  },
  path: {
    en: "The page of the published program that the code opens, without a leading `/`. A query is allowed.",
    zh: "打开的页面，须在已发布的小程序中存在，不以 `/` 开头，可以带参数。",
    example: "pages/index/index?a=1",
    schema: { pattern: "^(?!/)\\S+$" }
  },
  pay_item: { en: "What is bought.", zh: "购买的道具。", example: "sword" },
  pay_state: { en: "1: paid. Other numbers are not documented.", zh: "1 为已支付，其他值文档未说明。", example: 1 },
  pay_time: {
    en: "When it was paid. The format is not documented.",
    zh: "支付时间，格式文档未说明。",
    example: "1507530800"
  },
  pf: { en: "The platform.", zh: "平台。", example: "qq_m_qq-2001-android-2011" },
  pfkey: { en: "The key of the platform.", zh: "平台的 pfkey。", example: "pfKey" },
  prepay_id: { en: "The `prepayId` of `GamePrePay`.", zh: "`GamePrePay` 返回的 `prepayId`。", example: "PREPAY-1" },
  prepayId: {
    en: "The id with which the user pays. Valid for 48 hours.",
    zh: "用户支付所用的 id，48 小时内有效。",
    example: "PREPAY-1"
  },
  present_counts: { en: "How many coins.", zh: "赠送的游戏币数量。", example: 10 },
  qq_appid: { en: "The appid of the program.", zh: "小程序的 appid。", example: "1107981003" },
  qq_sig: {
    en: 'The signature with the session key: `base64(HMAC-SHA1(session_key + "&", …))`.',
    zh: '以 session_key 计算的签名：`base64(HMAC-SHA1(session_key + "&", …))`。'
  },
  real_notify_url: notifyUrl,
  remainder: { en: "What the user has left.", zh: "用户的余额。", example: 100 },
  sandbox_env: { en: "1: the sandbox of Midas. 0: real coins.", zh: "1 为米大师沙箱环境，0 为正式环境。", example: 1 },
  session_key: secret(
    "The session key of the login: 16 bytes in base64.",
    "会话密钥：16 字节，base64。",
    "VUNQZ0hRYURxNlZZbmNOZw=="
  ),
  sig: { en: "The signature of the parameters.", zh: "参数的签名。" },
  sig_method: { en: "Always this value.", zh: "固定值。", schema: { const: "hmac_sha256" } },
  signature: {
    en: "`hex(HMAC-SHA256(session_key, body))`, over the exact bytes of the body.",
    zh: "`hex(HMAC-SHA256(session_key, 请求体))`，按请求体原始字节计算。"
  },
  template_id: templateId,
  token: { en: "Not documented.", zh: "文档未说明。", example: "" },
  touser: { en: "The user's openid.", zh: "用户的 openid。", example: "55107C3B8501CD7CBD90AEE4626E6D17" },
  trace_id: { en: "The id of the check.", zh: "检查任务的 id。", example: "TRACE-1" },
  trade_id: { en: "Midas's number of the payment.", zh: "米大师的交易号。", example: "TRADE-1" },
  ts: { en: "The time in seconds since 1970.", zh: "时间，Unix 秒。", example: 1507530737 },
  unionid: {
    en: "The user's id across all programs of one developer.",
    zh: "用户在同一开发者下的 unionid。",
    example: "UID_0123456789ABCDEF"
  },
  use_robot: { en: "Whether the program's robot sends it.", zh: "是否由小程序机器人发送。", example: true },
  used_gen_amt: { en: "How many of the coins had been presents.", zh: "其中赠送的游戏币数量。", example: 0 },
  "user-agent": { en: "Any text. WeChat Pay refuses requests without it.", zh: "任意文字。缺少时微信支付会拒绝。" },
  user_ip: { en: "The user's address. Not signed.", zh: "用户的 IP，不参与签名。", example: "127.0.0.1" },
  zone_id: { en: "The zone of the game.", zh: "分区。", example: "1" },
  // not on the wire
  app_key: secret("The AppKey at Midas.", "米大师的 AppKey。", "sandboxAppKeyOfMidas"),
  authorization: secret("The merchant's signature.", "商户的签名。", 'WECHATPAY2-SHA256-RSA2048 mchid="1900000001"')
}

const verdict = {
  errCode: {
    en: "0: passed. 87014: risky.",
    zh: "0 为通过，87014 为内容违规。",
    example: 0,
    schema: { type: "integer" }
  },
  errMsg: { ...common["errmsg"]! }
}

const midas: Readonly<Record<string, Field>> = {
  amt: { en: "How many coins.", zh: "游戏币数量。", example: 10 },
  pf: { ...common["pf"]!, example: "qqapp_qq-2001-android-2011-1107981003" },
  sig: {
    en: 'The signature with the AppKey of Midas: `base64(HMAC-SHA1(app_key + "&", …))`.',
    zh: '以米大师 AppKey 计算的签名：`base64(HMAC-SHA1(app_key + "&", …))`。'
  }
}

/** The fields of single calls that mean something else there. */
const own: Readonly<Record<string, Readonly<Record<string, Field>>>> = {
  "security.msgSecCheck": verdict,
  "security.imgSecCheck": verdict,
  "templateMessage.send": {
    page: { ...common["page"]!, schema: common["path"]!.schema! }
  },
  "openData.setUserInteractiveData": {
    kv_list: { en: "The pairs.", zh: "键值对。" },
    "kv_list.*": { en: "A pair.", zh: "键值对。" },
    "kv_list.*.key": { en: "The key.", zh: "键。", example: "1" },
    "kv_list.*.value": {
      en: "A whole number. It is not known whether it is set or added.",
      zh: "整数。是覆盖还是累加，文档未说明。",
      example: 3
    }
  },
  "gamePay.prePay": {
    sig: {
      en: '`hex(HMAC-SHA256(session_key, "POST&" + path + "&" + parameters + "&session_key=" + session_key))`; path and values URL-encoded, parameters sorted, without `sig`, `user_ip` and empty ones.',
      zh: '`hex(HMAC-SHA256(session_key, "POST&" + 路径 + "&" + 参数 + "&session_key=" + session_key))`；路径与参数值经 URL 编码，参数按名称排序，不含 `sig`、`user_ip` 与空值。'
    }
  },
  "encryption.getUserEncryptKey": {
    sig: { en: '`hex(HMAC-SHA256(session_key, "{}"))`.', zh: '`hex(HMAC-SHA256(session_key, "{}"))`。' }
  },
  "midasPay.pay": midas,
  "midasPay.getBalance": midas,
  "midasPay.present": midas,
  "wxPayProxy.unifiedOrder": {
    body: {
      en: "The order of WeChat Pay, signed by the merchant.",
      zh: "商户签名的微信支付订单。",
      example: "<xml><mchid>1900000001</mchid><sign>SIGN</sign></xml>"
    }
  },
  ...Object.fromEntries(
    ["h5", "partnerH5", "combineH5"].map((name) => [
      `wxPayProxy.${name}`,
      {
        body: {
          en: "The order of WeChat Pay, byte by byte as the merchant signed it.",
          zh: "微信支付订单，须与商户签名时的内容逐字节一致。",
          example: '{"mchid":"1900000001","out_trade_no":"1217752501201407033233368018"}'
        }
      }
    ])
  )
}

/** The field of a call by its path, such as `kv_list.*.key`. */
export const fieldOf = (call: string, path: string): Field => {
  const field = own[call]?.[path] ?? common[path]
  if (field === undefined) throw new Error(`fields.ts does not describe ${path} of ${call}`)
  return field
}
