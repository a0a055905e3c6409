/** JSON Schemas of what endpoints take and give, from the endpoints' own schemas. */
import type { Any } from "@qq-mini/core/Endpoint"
import type { JsonSchema } from "effect/JsonSchema"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { fieldOf } from "./fields.ts"
import { both } from "./words.ts"

type Properties = Readonly<Record<string, JsonSchema>>

/** The properties of an object. */
export const propertiesOf = (schema: JsonSchema): Properties => (schema["properties"] ?? {}) as Properties

const mapValues = <A, B>(record: Readonly<Record<string, A>>, f: (value: A, name: string) => B) =>
  Object.fromEntries(Object.entries(record).map(([name, value]) => [name, f(value, name)]))

const isNull = (schema: JsonSchema) => schema["type"] === "null"

/** Undoes what Effect's canonical JSON adds: `null` for what is left out, and texts for NaN and infinite numbers. */
const withoutNull = (schema: JsonSchema): JsonSchema => {
  const members = schema["anyOf"] as ReadonlyArray<JsonSchema> | undefined
  return members?.some(isNull) ? { ...schema, anyOf: members.toSpliced(members.findLastIndex(isNull), 1) } : schema
}

const isInfinity = (schema: JsonSchema) => Array.isArray(schema["enum"]) && schema["enum"].includes("NaN")

const plain = (schema: JsonSchema): JsonSchema => {
  const { additionalProperties, allOf, anyOf, items, maximum, minimum, properties, ...rest } = schema
  const required = (schema["required"] ?? []) as ReadonlyArray<string>
  const members = (anyOf as ReadonlyArray<JsonSchema> | undefined)?.filter((one) => !isInfinity(one)).map(plain)
  if (members?.length === 1) return { ...members[0], ...rest }
  return {
    ...rest,
    ...(members === undefined ? {} : { anyOf: members }),
    ...(typeof items === "object" ? { items: plain(items as JsonSchema) } : {}),
    ...(properties === undefined
      ? {}
      : {
          properties: mapValues(properties as Properties, (one, name) =>
            plain(required.includes(name) ? one : withoutNull(one))
          )
        }),
    // other fields are allowed anyway
    ...(typeof additionalProperties === "object"
      ? { additionalProperties: plain(additionalProperties as JsonSchema) }
      : {}),
    ...(Array.isArray(allOf) ? { allOf: allOf.map(plain) } : {}),
    // every integer that JavaScript holds exactly
    ...(maximum === Number.MAX_SAFE_INTEGER ? {} : { maximum, minimum })
  }
}

/** Adds what the fields mean. */
export const described = (call: string, schema: JsonSchema, path = ""): JsonSchema => {
  const inside = (name: string) => (path === "" ? name : `${path}.${name}`)
  const child = (key: string) =>
    typeof schema[key] === "object" ? { [key]: described(call, schema[key] as JsonSchema, inside("*")) } : {}
  const field = path === "" ? undefined : fieldOf(call, path)
  return {
    ...schema,
    ...field?.schema,
    ...(field === undefined ? {} : { description: both(field) }),
    ...child("items"),
    ...child("additionalProperties"),
    ...(schema["properties"] === undefined
      ? {}
      : { properties: mapValues(propertiesOf(schema), (one, name) => described(call, one, inside(name))) })
  }
}

/** The JSON Schema of the encoded side of a schema. */
export const jsonSchemaOf = (schema: Schema.Constraint): JsonSchema => plain(Schema.toJsonSchemaDocument(schema).schema)

/** A field of a request or an answer that the endpoint's schemas don't have, such as a signature. */
export const fieldSchema = ({ name }: Any, field: string, value: unknown): JsonSchema =>
  described(name, { type: typeof value }, field)

/** A value of the examples of the fields. With `required`, of the required fields alone. */
export const sampleOf = (endpoint: Any, schema: JsonSchema, required = false, path = ""): unknown => {
  const inside = (name: string) => (path === "" ? name : `${path}.${name}`)
  const example = path === "" ? undefined : fieldOf(endpoint.name, path).example
  if (example !== undefined) return example
  const [value] = (schema["enum"] ?? []) as ReadonlyArray<unknown>
  if (value !== undefined) return value
  if (schema["items"] !== undefined) {
    return [sampleOf(endpoint, schema["items"] as JsonSchema, required, inside("*"))]
  }
  if (schema["additionalProperties"] !== undefined) {
    return { keyword1: sampleOf(endpoint, schema["additionalProperties"] as JsonSchema, required, inside("*")) }
  }
  const names = Object.entries(propertiesOf(schema)).filter(
    ([name]) => !required || (schema["required"] as ReadonlyArray<string> | undefined)?.includes(name)
  )
  return Object.fromEntries(names.map(([name, one]) => [name, sampleOf(endpoint, one, required, inside(name))]))
}

/** Whether a schema accepts a value. */
export const accepts =
  (schema: Schema.Constraint) =>
  (value: unknown): boolean =>
    Result.isSuccess(Schema.decodeUnknownResult(schema as Schema.Codec<unknown, unknown>)(value))

/** The largest number that is accepted, from one that is. `undefined` if `limit` is. */
const largest = (isAccepted: (n: number) => boolean, from: number, limit: number): number | undefined => {
  if (isAccepted(limit)) return undefined
  let [good, bad] = [from, limit]
  while (bad - good > 1) {
    const middle = Math.floor((good + bad) / 2)
    if (isAccepted(middle)) good = middle
    else bad = middle
  }
  return good
}

const bounds = (keywords: Readonly<Record<string, number | undefined>>) =>
  Object.fromEntries(Object.entries(keywords).filter(([, value]) => value !== undefined))

// Far above QQ's limits: 500 KB, 128 pairs.
const maxLength = 2 ** 20
const maxItems = 2 ** 10

/**
 * Adds the bounds of texts, numbers and lists. The endpoints have them as functions, which JSON Schema does not have, so
 * they are found by trying: each field of a value that is accepted is made shorter, longer, smaller and larger. QQ counts
 * bytes and JSON Schema characters, so that a text within a bound may still be too long.
 */
export const withBounds = (
  schema: JsonSchema,
  sample: unknown,
  isAccepted: (value: unknown) => boolean
): JsonSchema => {
  if (schema["enum"] !== undefined || !isAccepted(sample)) return schema
  if (typeof sample === "string") {
    const start = isAccepted("a") ? "a" : sample
    const ofLength = (length: number) => isAccepted(start.padEnd(length, "a"))
    return {
      ...schema,
      ...bounds({
        minLength: isAccepted("") ? undefined : 1,
        maxLength: largest(ofLength, start.length, maxLength)
      })
    }
  }
  if (typeof sample === "number") {
    return {
      ...schema,
      ...(isAccepted(sample + 0.5) ? {} : { type: "integer" }),
      ...bounds({
        minimum: isAccepted(-1) ? undefined : isAccepted(0) ? 0 : 1,
        maximum: largest(isAccepted, sample, Number.MAX_SAFE_INTEGER)
      })
    }
  }
  if (Array.isArray(sample)) {
    const items = withBounds(schema["items"] as JsonSchema, sample[0], (one) => isAccepted([one]))
    const ofLength = (length: number) => isAccepted(Array.from({ length }, () => sample[0] as unknown))
    return {
      ...schema,
      items,
      ...bounds({ minItems: isAccepted([]) ? undefined : 1, maxItems: largest(ofLength, 1, maxItems) })
    }
  }
  if (typeof sample !== "object" || sample === null) return schema
  const value = sample as Readonly<Record<string, unknown>>
  const inside = (one: JsonSchema, name: string) =>
    withBounds(one, value[name], (changed) => isAccepted({ ...value, [name]: changed }))
  if (schema["additionalProperties"] !== undefined) {
    return {
      ...schema,
      additionalProperties: inside(schema["additionalProperties"] as JsonSchema, Object.keys(value)[0]!),
      ...(isAccepted({}) ? {} : { minProperties: 1 })
    }
  }
  return schema["properties"] === undefined
    ? schema
    : { ...schema, properties: mapValues(propertiesOf(schema), inside) }
}
