/** The answers of a call in the document. */
import type { Any } from "@qq-mini/core/Endpoint"
import type { JsonSchema } from "effect/JsonSchema"
import { fieldOf } from "./fields.ts"
import { accepts, described, fieldSchema, jsonSchemaOf, propertiesOf, sampleOf } from "./schema.ts"
import type { Content, Response } from "./types.ts"
import { both, callOf } from "./words.ts"

const codeSchema = (passed: ReadonlyArray<number>): JsonSchema => ({
  type: "integer",
  not: { enum: passed },
  description: both({ en: "QQ's code, see `x-codes`. It may be negative.", zh: "错误码，见 `x-codes`，可能为负数。" })
})

const textSchema: JsonSchema = { type: "string", description: both({ en: "QQ's text.", zh: "返回的说明。" }) }

/** QQ's code of risky content is a result of a check. */
const risky = 87014

/** What a successful answer of WeChat Pay in XML says. */
const succeeded: JsonSchema = {
  required: ["return_code", "result_code"],
  properties: { return_code: { const: "SUCCESS" }, result_code: { const: "SUCCESS" } }
}

/** The answers that refuse a call. */
export const refusals: Readonly<Record<string, JsonSchema>> = {
  Refusal: {
    type: "object",
    required: ["errcode"],
    properties: { errcode: codeSchema([0]), errmsg: textSchema }
  },
  CheckRefusal: {
    type: "object",
    required: ["errCode"],
    properties: { errCode: codeSchema([0, risky]), errMsg: textSchema }
  },
  WeChatPayXmlRefusal: {
    type: "object",
    not: succeeded,
    additionalProperties: { type: "string" },
    xml: { name: "xml" }
  },
  WeChatPayRefusal: {
    type: "object",
    required: ["code", "message"],
    properties: {
      code: { type: "string", description: both({ en: "WeChat Pay's code.", zh: "微信支付的错误码。" }) },
      message: { type: "string", description: both({ en: "WeChat Pay's text.", zh: "微信支付的说明。" }) }
    }
  }
}

const reference = (name: keyof typeof refusals): JsonSchema => ({ $ref: `#/components/schemas/${name}` })

/** How a refusal of a call is spelled. The two checks have a spelling of their own. */
const refusalsOf = ({ name, resultCodes }: Any): ReadonlyArray<JsonSchema> => {
  if (callOf(name).isSpellingUnknown) return [reference("Refusal"), reference("CheckRefusal")]
  return [reference(resultCodes === undefined ? "Refusal" : "CheckRefusal")]
}

const oneOf = (schemas: ReadonlyArray<JsonSchema>): JsonSchema =>
  schemas.length === 1 ? schemas[0]! : { oneOf: schemas }

const without = (value: object, ...names: ReadonlyArray<string>) =>
  Object.fromEntries(Object.entries(value).filter(([name]) => !names.includes(name)))

/** The fields that an answer must have: an endpoint refuses it without them. */
const requiredOf = (endpoint: Any, sample: object): JsonSchema => {
  const isAccepted = accepts(endpoint.output)
  const neededBy = (value: object) => Object.keys(value).filter((name) => !isAccepted(without(value, name)))
  const required = neededBy(sample)
  // QQ may leave out an integer that is 0, if the answer has `errcode: 0`.
  const bare = without(sample, "errcode")
  const more = isAccepted(bare) ? neededBy(bare).filter((name) => !required.includes(name)) : []
  return {
    ...(required.length === 0 ? {} : { required }),
    ...(more.length === 0 ? {} : { anyOf: [{ required: ["errcode"] }, { required: more }] })
  }
}

/** A successful answer as an object, and an example of one. */
const success = (endpoint: Any): { readonly schema: JsonSchema; readonly sample: object } => {
  const output = jsonSchemaOf(endpoint.output)
  // The client also takes the spelling `errCode` where QQ has `errcode`.
  const [schema = output] = (output["anyOf"] ?? []) as ReadonlyArray<JsonSchema>
  const isCheck = endpoint.resultCodes !== undefined
  const own = isCheck ? schema : { properties: without(propertiesOf(schema), "errCode") }
  const fields = propertiesOf(described(endpoint.name, own))
  // The checks have a status of their own, and WeChat Pay has none.
  const hasStatus = !isCheck && endpoint.readOther === undefined
  const properties = hasStatus
    ? {
        ...fields,
        errcode: { ...fieldSchema(endpoint, "errcode", 0), const: 0 },
        errmsg: fieldSchema(endpoint, "errmsg", "")
      }
    : fields
  const sample = sampleOf(endpoint, { properties }) as object
  return { schema: { type: "object", ...requiredOf(endpoint, sample), properties }, sample }
}

const json = (endpoint: Any): Content => {
  const { sample, schema } = success(endpoint)
  const [name, text] = endpoint.resultCodes === undefined ? ["errcode", "errmsg"] : ["errCode", "errMsg"]
  const results = (endpoint.resultCodes ?? []).map((code) => [
    `result ${code}`,
    { value: { ...sample, [name]: code, [text]: "risky content" } }
  ])
  return {
    "application/json": {
      schema: oneOf([schema, ...refusalsOf(endpoint)]),
      examples: {
        success: { value: sample },
        ...Object.fromEntries(results),
        refusal: { value: { [name]: -1, [text]: "system error" } }
      }
    }
  }
}

const refusal = (endpoint: Any, ...others: ReadonlyArray<JsonSchema>): Content => ({
  "application/json": { schema: oneOf([...others, ...refusalsOf(endpoint)]) }
})

const image = (endpoint: Any): Content => {
  const { mediaType } = propertiesOf(jsonSchemaOf(endpoint.output))
  const types = mediaType!["enum"] as ReadonlyArray<string>
  return { ...Object.fromEntries(types.map((type) => [type, {}])), ...refusal(endpoint) }
}

const xml = (endpoint: Any): Content => {
  const { mweb_url } = propertiesOf(described(endpoint.name, jsonSchemaOf(endpoint.output)))
  const schema = {
    type: "object",
    required: [...(succeeded["required"] as ReadonlyArray<string>), "mweb_url"],
    properties: { ...propertiesOf(succeeded), mweb_url },
    additionalProperties: { type: "string" },
    xml: { name: "xml" }
  }
  const fields = {
    return_code: "SUCCESS",
    result_code: "SUCCESS",
    mweb_url: fieldOf(endpoint.name, "mweb_url").example
  }
  const inside = Object.entries(fields).map(([name, value]) => `<${name}><![CDATA[${value}]]></${name}>`)
  return {
    "text/xml": {
      schema: oneOf([schema, reference("WeChatPayXmlRefusal")]),
      example: `<xml>${inside.join("")}</xml>`
    },
    ...refusal(endpoint)
  }
}

/** The answers of a call. `contentType` is that of its request. */
export const responsesOf = (endpoint: Any, contentType: string | undefined): Readonly<Record<string, Response>> => {
  const isXml = contentType === "text/xml"
  const ofWeChatPay = endpoint.readOther !== undefined && !isXml ? [reference("WeChatPayRefusal")] : []
  return {
    200: {
      description: both({ en: "A success, or a refusal: the content decides.", zh: "成功或失败，以内容为准。" }),
      content: endpoint.image ? image(endpoint) : isXml ? xml(endpoint) : json(endpoint)
    },
    default: {
      description: both({
        en: "A refusal. QQ's HTTP status is not documented, and probably 200.",
        zh: "失败。QQ 的 HTTP 状态码文档未说明，可能总是 200。"
      }),
      content: refusal(endpoint, ...ofWeChatPay)
    }
  }
}
