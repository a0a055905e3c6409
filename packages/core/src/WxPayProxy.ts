/**
 * WeChat Pay in QQ mini programs, through QQ's proxy: `wxPayProxy.unifiedOrder`, `wxPayProxy.h5`,
 * `wxPayProxy.partnerH5`, `wxPayProxy.combineH5`.
 *
 * The order is WeChat Pay's and signed by the merchant: it is passed on as it is. The client adds the address, the token
 * and the headers. An order is never sent twice.
 */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type { Code } from "./Code.ts"
import type { OtherAnswer, RawAnswer } from "./endpoint/definition.ts"
import * as Endpoint from "./Endpoint.ts"
import { fieldsOf } from "./call/answer.ts"
import { textOf } from "./call/strictJson.ts"
import { both } from "./internal/problem.ts"
import { secretText, Text, webAddress } from "./internal/schema.ts"
import { Rejected, SystemBusy, TooFrequent } from "./reason/answered.ts"

const startsWith = (begin: RegExp, en: string, zh: string) =>
  Text.check(Schema.makeFilter<string>((text) => (begin.test(text) ? undefined : both(en, zh))))

const codes = (): ReadonlyArray<Code> => [
  ...[200, 400, 401, 403, 404].map((code) => ({
    code,
    reason: Rejected,
    help: {
      en: "WeChat Pay refuses the order; its text says why. The code is the HTTP status of its answer.",
      zh: "微信支付拒绝了该订单，请参考返回的说明。错误码为返回的 HTTP 状态码。"
    }
  })),
  { code: 429, reason: TooFrequent },
  ...[500, 502, 503].map((code) => ({
    code,
    reason: SystemBusy,
    help: {
      en: "WeChat Pay is busy. Send the same order again later, with the same number of the order.",
      zh: "微信支付系统繁忙，请稍后以同样的订单号重新下单。"
    }
  }))
]

const once = {
  delivery: "once",
  ifUnknown: {
    en: "It can't be known whether WeChat Pay has the order. Query it there, or send it again with the same number of the order, never with another.",
    zh: "无法确定微信支付是否已收到该订单。请到微信支付查询，或以同样的订单号重新下单，切勿更换订单号。"
  }
} as const

const xmlOrder = () =>
  Schema.Struct({
    body: startsWith(/^\s*</, "must be the order as XML", "必须是 XML 形式的订单"),
    real_notify_url: webAddress()
  })

/** The fields of WeChat Pay's answer. */
export interface UnifiedOrder {
  /** The page that the user pays on. */
  readonly mweb_url: string
  /** All other fields, among them the `sign` that you can check. */
  readonly [field: string]: string
}

// WeChat Pay's answers are much smaller. I2: reading a larger one could take long.
const maxXmlBytes = 16_384

const entities: Readonly<Record<string, string>> = { lt: "<", gt: ">", amp: "&", quot: '"', apos: "'" }

/** The fields of an XML answer: a list of texts. `undefined` if it is anything else, or has a field twice. */
const xmlFields = (bytes: Uint8Array): Readonly<Record<string, string>> | undefined => {
  const text = bytes.length > maxXmlBytes ? undefined : textOf(bytes)
  const inside = /^\s*(?:<\?xml[^>]*\?>\s*)?<xml>(.*)<\/xml>\s*$/s.exec(text ?? "")?.[1]
  if (inside === undefined) return undefined
  const fields = new Map<string, string>()
  const rest = inside.replace(
    /<(\w+)>(?:<!\[CDATA\[(.*?)\]\]>|([^<]*))<\/\1>/gs,
    (_, name: string, data: string | undefined, plain: string = "") => {
      const value = data ?? plain.replace(/&(\w+);/g, (entity, name: string) => entities[name] ?? entity)
      // The name stays, so that a second field with it leaves a rest.
      const isNew = !fields.has(name)
      fields.set(name, value)
      return isNew ? "" : name
    }
  )
  return rest.trim() === "" ? Object.fromEntries(fields) : undefined
}

const readXml = ({ bytes, status }: RawAnswer): OtherAnswer | undefined => {
  const fields = xmlFields(bytes)
  if (fields === undefined) return undefined
  const { err_code, err_code_des, result_code, return_code, return_msg } = fields
  return return_code === "SUCCESS" && result_code === "SUCCESS"
    ? { output: fields }
    : { code: status, text: [err_code ?? return_code, err_code_des ?? return_msg].filter(Boolean).join(": ") }
}

/**
 * Makes an H5 order of WeChat Pay (version 2).
 *
 * - `body`: the order as XML, with its `sign`. It is sent exactly as it is.
 * - `real_notify_url`: your address, to which the result of the payment is posted.
 *
 * The result has the fields of WeChat Pay's answer, among them `mweb_url`. If WeChat Pay refuses the order, the call
 * fails with `Rejected`: its `code` is the HTTP status, and its `text` begins with WeChat's `err_code`. QQ's own refusals
 * have the codes 9030 to 9034. Source: QQ's document on payments with WeChat Pay.
 */
export const unifiedOrder = /* @__PURE__ */ Endpoint.post("wxPayProxy.unifiedOrder", "/wxpay/unifiedorder", () => ({
  authorization: "access_token",
  input: xmlOrder(),
  otherNames: { body: ["xml"], real_notify_url: ["notify_url"] },
  wire: Schema.toType(xmlOrder()),
  compose: ({ appid, wire: { body, real_notify_url } }) =>
    Effect.succeed({
      query: [
        ["appid", appid ?? ""],
        ["real_notify_url", real_notify_url]
      ],
      headers: { "content-type": "text/xml; charset=utf-8" },
      body
    }),
  appid: true,
  output: Schema.StructWithRest(Schema.Struct({ mweb_url: Text }), [Schema.Record(Schema.String, Schema.String)]),
  readOther: readXml,
  select: (fields): UnifiedOrder => fields,
  codes: codes(),
  ...once
}))

const jsonOrder = () =>
  Schema.Struct({
    body: startsWith(
      /^\s*\{/,
      "must be the order as JSON text, as you signed it",
      "必须是签名时的 JSON 文本形式的订单"
    ),
    authorization: secretText(),
    real_notify_url: webAddress()
  })

const readV3 = ({ bytes, status }: RawAnswer): OtherAnswer | undefined => {
  if (status >= 200 && status < 300) return undefined
  const { code, message } = fieldsOf(bytes) ?? {}
  return typeof code === "string" && !/^-?\d+$/.test(code)
    ? { code: status, text: `${code}: ${String(message)}` }
    : undefined
}

const v3 = <const Name extends string>(name: Name, path: string) =>
  Endpoint.post(name, path, () => ({
    authorization: "access_token",
    input: jsonOrder(),
    otherNames: { body: ["json"], real_notify_url: ["notify_url"] },
    wire: Schema.toType(jsonOrder()),
    compose: ({ appid, wire: { authorization, body, real_notify_url } }) =>
      Effect.succeed({
        query: [
          ["appid", appid ?? ""],
          ["real_notify_url", real_notify_url]
        ],
        // WeChat Pay refuses requests without `accept` and `user-agent`.
        headers: {
          "content-type": "application/json",
          accept: "application/json",
          "user-agent": "qq-mini",
          authorization: Redacted.value(authorization)
        },
        body
      }),
    appid: true,
    secrets: ["authorization"],
    output: Schema.Struct({ h5_url: Text }),
    readOther: readV3,
    codes: codes(),
    ...once
  }))

/**
 * Makes an H5 order of WeChat Pay (version 3) for a merchant.
 *
 * - `body`: the order as JSON text, exactly as it was signed.
 * - `authorization`: the merchant's header `Authorization` (`WECHATPAY2-SHA256-RSA2048 mchid=…`), plain or redacted. It
 *   signs WeChat Pay's own path `/v3/pay/transactions/h5`, without QQ's query.
 * - `real_notify_url`: your address, to which the result of the payment is posted.
 *
 * The result is the `h5_url` that the user pays on. If WeChat Pay refuses the order, the call fails with `Rejected`: its
 * `code` is the HTTP status, and its `text` begins with WeChat's code, such as `PARAM_ERROR`. QQ's own refusals have the
 * codes 9030 to 9034. Source: QQ's document on payments with WeChat Pay.
 */
export const h5 = /* @__PURE__ */ v3("wxPayProxy.h5", "/wxpay/v3/pay/transactions/h5")

/** As {@link h5}, for a partner that pays out to merchants. WeChat Pay's own path is `/v3/pay/partner/transactions/h5`. */
export const partnerH5 = /* @__PURE__ */ v3("wxPayProxy.partnerH5", "/wxpay/v3/pay/partner/transactions/h5")

/** As {@link h5}, for several orders that are paid at once. WeChat Pay's own path is `/v3/combine-transactions/h5`. */
export const combineH5 = /* @__PURE__ */ v3("wxPayProxy.combineH5", "/wxpay/v3/combine-transactions/h5")
