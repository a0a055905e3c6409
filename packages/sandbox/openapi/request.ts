/** What a call sends, in the document. */
import * as Body from "@qq-mini/core/Body"
import type { Any, Composed } from "@qq-mini/core/Endpoint"
import * as Effect from "effect/Effect"
import type { JsonSchema } from "effect/JsonSchema"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { fieldOf } from "./fields.ts"
import { accepts, described, fieldSchema, jsonSchemaOf, propertiesOf, sampleOf, withBounds } from "./schema.ts"
import type { Content, Parameter, Request } from "./types.ts"

const requiredOf = (schema: JsonSchema) => (schema["required"] ?? []) as ReadonlyArray<string>

const typeOf = (contentType: string) => contentType.split(";")[0]!

const parameter = (
  where: Parameter["in"],
  name: string,
  { description, ...schema }: JsonSchema,
  required: boolean,
  example: unknown
): Parameter => ({ name, in: where, required, description: String(description), schema, example })

const exampleOf = ({ name }: Any, field: string) => String(fieldOf(name, field).example)

/** Composes a call of the examples of its fields. With `required`, of the required fields alone. */
const compose = (endpoint: Any, schema: JsonSchema, required: boolean): Promise<Composed> => {
  const wire = Schema.decodeUnknownSync(endpoint.input)(sampleOf(endpoint, schema, required))
  const token = Redacted.make(exampleOf(endpoint, "access_token"))
  return Effect.runPromise(endpoint.compose!({ wire, appid: exampleOf(endpoint, "appid"), token }))
}

/** An order of WeChat Pay, which is passed on as it is. */
const orderSchema = ({ description }: JsonSchema, isXml: boolean): JsonSchema => ({
  type: "object",
  ...(isXml ? { additionalProperties: { type: "string" }, xml: { name: "xml" } } : {}),
  description
})

/** What a composed call sends. It is composed twice: what is always there is required. */
const composed = async (endpoint: Any, wire: JsonSchema) => {
  const full = await compose(endpoint, wire, false)
  const least = await compose(endpoint, wire, true)
  const schemaOf = (name: string, value: unknown) => propertiesOf(wire)[name] ?? fieldSchema(endpoint, name, value)
  const query = full.query.map(([name, value]) => {
    const text = Redacted.isRedacted(value) ? Redacted.value(value) : value
    const required = least.query.some(([other]) => other === name)
    return parameter("query", name, schemaOf(name, text), required, text)
  })
  const { accept: _, authorization, "content-type": contentType = "", ...others } = full.headers
  const headers = Object.entries(others).map(([name, value]) =>
    parameter("header", name, schemaOf(name, value), true, value)
  )
  const isXml = typeOf(contentType) === "text/xml"
  const example: unknown = isXml ? full.body : JSON.parse(String(full.body))
  const { body: order } = propertiesOf(wire)
  const bodySchema = (): JsonSchema => {
    const required = Object.keys(JSON.parse(String(least.body)))
    const fields = Object.entries(example as object).map(([name, value]) => [name, schemaOf(name, value)])
    return {
      type: "object",
      ...(required.length === 0 ? {} : { required }),
      properties: Object.fromEntries(fields)
    }
  }
  return {
    isSigned: authorization !== undefined,
    parameters: [...query, ...headers],
    content: {
      [typeOf(contentType)]: { schema: order === undefined ? bodySchema() : orderSchema(order, isXml), example }
    }
  }
}

/** The body of a call whose wire parameters are its body. */
const plainBody = async (endpoint: Any, wire: JsonSchema): Promise<Content> => {
  const appid = endpoint.appid ? { appid: fieldSchema(endpoint, "appid", "") } : {}
  const schema = {
    ...wire,
    required: [...Object.keys(appid), ...requiredOf(wire)],
    properties: { ...appid, ...propertiesOf(wire) }
  }
  const { contentType } = await Effect.runPromise((endpoint.body ?? Body.json)({}))
  const files = Object.entries(propertiesOf(wire)).filter(([, one]) => one["format"] === "binary")
  return {
    [typeOf(contentType)]:
      files.length === 0
        ? { schema, example: sampleOf(endpoint, schema) }
        : {
            schema,
            encoding: Object.fromEntries(
              files.map(([name]) => [name, { contentType: "image/png, image/jpeg, image/gif" }])
            )
          }
  }
}

/** What a call sends. */
export const requestOf = async (endpoint: Any): Promise<Request> => {
  const wire = described(endpoint.name, jsonSchemaOf(endpoint.wire))
  const isAccepted = accepts(endpoint.compose === undefined ? endpoint.wire : endpoint.input)
  const schema = withBounds(wire, sampleOf(endpoint, wire), isAccepted)
  const token = { access_token: [] }
  if (endpoint.compose !== undefined) {
    const { content, isSigned, parameters } = await composed(endpoint, schema)
    const security = [isSigned ? { ...token, merchant: [] } : token]
    return { security, parameters, requestBody: { required: true, content } }
  }
  const security = [endpoint.authorization === "secret" ? { appid: [], appsecret: [] } : token]
  if (endpoint.method === "POST") {
    return { security, parameters: [], requestBody: { required: true, content: await plainBody(endpoint, schema) } }
  }
  const sample = sampleOf(endpoint, schema) as Readonly<Record<string, unknown>>
  const parameters = Object.entries(propertiesOf(schema)).map(([name, one]) =>
    parameter("query", name, one, requiredOf(schema).includes(name), sample[name])
  )
  return { security, parameters }
}
