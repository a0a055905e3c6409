/** The OpenAPI document says what the client sends and what the sandbox answers. */
import { assert, describe, it } from "@effect/vitest"
import type { Any } from "@qq-mini/core/Endpoint"
import { groups } from "@qq-mini/core/Endpoints"
import * as Encryption from "@qq-mini/core/Encryption"
import * as GamePay from "@qq-mini/core/GamePay"
import * as MidasPay from "@qq-mini/core/MidasPay"
import * as OpenData from "@qq-mini/core/OpenData"
import * as QQMini from "@qq-mini/core/QQMini"
import * as Security from "@qq-mini/core/Security"
import * as Transport from "@qq-mini/core/Transport"
import * as WxPayProxy from "@qq-mini/core/WxPayProxy"
import * as Sandbox from "@qq-mini/sandbox/Sandbox"
import { Validator } from "@seriousme/openapi-schema-validator"
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { TestClock } from "effect/testing"
import { readFileSync } from "node:fs"
import { file, make } from "../../packages/sandbox/openapi/document.ts"
import type { Content, Document, Operation } from "../../packages/sandbox/openapi/types.ts"
import { type Call, calls, newGuest, stranger } from "./support/calls.ts"

const document: Document = JSON.parse(readFileSync(file, "utf8"))
const endpoints = Object.values(groups).flatMap((group) => Object.values<Any>(group))
const names = endpoints.map(({ name }) => name)
const now = Date.UTC(2026, 0, 1)

const operationOf = ({ method, path }: Pick<Any, "method" | "path">): Operation =>
  document.paths[path]![method.toLowerCase()]!

const ajv = new Ajv2020({ allErrors: true, strictTypes: false, formats: { password: true, binary: true } })
ajv.addVocabulary(["xml", ...Object.keys(document)])
ajv.addSchema(document, "openapi")

const validators = new Map<string, ValidateFunction>()

/** Fails unless the schema of this place in the document accepts the value. */
const assertValid = (place: ReadonlyArray<string>, value: unknown) => {
  const tokens = place.map((name) => encodeURIComponent(name.replaceAll("~", "~0").replaceAll("/", "~1")))
  const $ref = `openapi#/${tokens.join("/")}`
  const validate = validators.get($ref) ?? ajv.compile({ $ref })
  validators.set($ref, validate)
  assert.isTrue(validate(value), `${$ref}: ${ajv.errorsText(validate.errors)} in ${JSON.stringify(value)}`)
}

const textOf = (bytes: Uint8Array) => new TextDecoder().decode(bytes)

const xmlFields = (xml: string) =>
  Object.fromEntries(
    Array.from(xml.matchAll(/<(\w+)>(?:<!\[CDATA\[(.*?)\]\]>|([^<]*))<\/\1>/g), ([, name, data, text]) => [
      name,
      data ?? text
    ])
  )

/** The value of a body, as the schemas of the document see it. */
const valueOf = async (type: string, bytes: Uint8Array): Promise<unknown> => {
  if (type.startsWith("multipart/")) {
    const form = await new Response(bytes.slice(), { headers: { "content-type": type } }).formData()
    return Object.fromEntries(
      Array.from(form, ([name, value]) => [name, typeof value === "string" ? value : value.name])
    )
  }
  if (type.startsWith("text/xml")) return xmlFields(textOf(bytes).replace(/^<xml>|<\/xml>$/g, ""))
  return JSON.parse(textOf(bytes))
}

/** A request with its answer, as they were on the wire. */
interface Exchange {
  readonly request: Request
  readonly sent: Uint8Array
  readonly response: Response
  readonly received: Uint8Array
}

/** A client of the sandbox whose exchanges are recorded. */
const recording = (exchanges: Array<Exchange>, options?: Sandbox.Options) => {
  const recorder = Layer.effect(
    HttpClient.HttpClient,
    Effect.map(HttpClient.HttpClient, (client) =>
      HttpClient.make((outgoing) =>
        Effect.gen(function* () {
          const request = yield* Effect.orDie(HttpClientRequest.toWeb(outgoing))
          const sent = new Uint8Array(yield* Effect.promise(() => request.arrayBuffer()))
          const answer = yield* client.execute(outgoing)
          const received = new Uint8Array(yield* Effect.orDie(answer.arrayBuffer))
          const response = new Response(received, { status: answer.status, headers: answer.headers })
          exchanges.push({ request, sent, response, received })
          return HttpClientResponse.fromWeb(outgoing, response.clone())
        })
      )
    )
  )
  return QQMini.layer.pipe(
    Layer.provide(Transport.layerHttpClient),
    Layer.provide(recorder),
    Layer.provide([Sandbox.layerHttpClient, Sandbox.layerApps]),
    Layer.provideMerge(Sandbox.layerPlatform(options))
  )
}

const order = { bill_no: "another", amt: 1, goodid: "43", good_num: 1, user_ip: "127.0.0.1", app_remark: "r" }
const v3 = { body: "{}", authorization: "WECHATPAY2-SHA256-RSA2048 x", real_notify_url: "https://example.com" }

/** All calls: those of every kind, and the others. */
const all: Readonly<Record<string, Call>> = {
  ...calls,
  "security.mediaCheckAsync": () => Security.mediaCheckAsync({ media_url: "https://example.com/a.png", media_type: 2 }),
  "openData.removeUserStorage": ({ openid, session_key }) =>
    OpenData.removeUserStorage({ openid, session_key, key: ["k"] }),
  "openData.setUserInteractiveData": ({ openid, session_key }) =>
    OpenData.setUserInteractiveData({ openid, session_key, kv_list: [{ key: "1", value: 3 }] }),
  "encryption.getUserEncryptKey": ({ openid, session_key }) => Encryption.getUserEncryptKey({ openid, session_key }),
  "gamePay.checkPay": ({ openid, session_key }) =>
    GamePay.prePay({ openid, session_key, ...order }).pipe(
      // A stranger gets no order, and asks for it nevertheless.
      Effect.orElseSucceed(() => ({ prepayId: "none" })),
      Effect.flatMap(({ prepayId }) =>
        GamePay.checkPay({ openid, session_key, bill_no: order.bill_no, prepay_id: prepayId })
      )
    ),
  "gamePay.getBalance": ({ openid, session_key }) => GamePay.getBalance({ openid, session_key }),
  "midasPay.getBalance": ({ openid, session_key }) =>
    MidasPay.getBalance({ openid, session_key, ...Sandbox.defaultOffer }),
  "midasPay.present": ({ openid, session_key }) =>
    MidasPay.present({ openid, session_key, ...Sandbox.defaultOffer, bill_no: "present", present_counts: 1 }),
  "wxPayProxy.h5": () => WxPayProxy.h5(v3),
  "wxPayProxy.partnerH5": () => WxPayProxy.partnerH5(v3),
  "wxPayProxy.combineH5": () => WxPayProxy.combineH5(v3)
}

/** Fails unless a request has what the document demands, and nothing that it does not have. */
const assertRequest = Effect.fnUntraced(function* (
  { request, sent }: Exchange,
  operation: Operation,
  place: Array<string>
) {
  const { searchParams } = new URL(request.url)
  const inQuery = new Set<string>()
  for (const name of Object.keys(operation.security[0]!)) {
    const scheme = document.components.securitySchemes[name] as Readonly<Record<string, string>>
    if (scheme["type"] === "http") {
      assert.isTrue(request.headers.get("authorization")?.startsWith(`${scheme["scheme"]} `), name)
    } else {
      assert.isTrue(searchParams.has(scheme["name"]!), name)
      inQuery.add(scheme["name"]!)
    }
  }
  for (const [i, { in: where, name, required }] of operation.parameters.entries()) {
    if (where === "query") inQuery.add(name)
    const value = where === "query" ? searchParams.get(name) : request.headers.get(name)
    if (required || value !== null) assertValid([...place, "parameters", String(i), "schema"], value)
  }
  assert.deepStrictEqual(
    [...searchParams.keys()].filter((name) => !inQuery.has(name)),
    [],
    request.url
  )
  if (operation.requestBody === undefined) return assert.strictEqual(sent.length, 0)
  const { content } = operation.requestBody
  const type = request.headers.get("content-type")!
  const [media] = type.split(";")
  const value = yield* Effect.promise(() => valueOf(type, sent))
  assertValid([...place, "requestBody", "content", media!, "schema"], value)
  const { properties } = content[media!]!.schema!
  if (properties === undefined) return
  const unknown = Object.keys(value as object).filter((name) => !Object.hasOwn(properties as object, name))
  assert.deepStrictEqual(unknown, [], operation.operationId)
})

/** Fails unless the document has such an answer. */
const assertAnswer = Effect.fnUntraced(function* (
  { received, response }: Exchange,
  operation: Operation,
  place: Array<string>
) {
  const type = response.headers.get("content-type")!
  const [media] = type.split(";")
  const status = Object.hasOwn(operation.responses, response.status) ? String(response.status) : "default"
  const { content } = operation.responses[status]!
  assert.containsAllKeys(content, [media!])
  if (content[media!]!.schema === undefined) return
  const value = yield* Effect.promise(() => valueOf(type, received))
  assertValid([...place, "responses", status, "content", media!, "schema"], value)
})

const assertExchanges = Effect.fnUntraced(function* (exchanges: ReadonlyArray<Exchange>) {
  const seen = new Set<string>()
  for (const exchange of exchanges) {
    const { method, url } = exchange.request
    const path = new URL(url).pathname
    const operation = operationOf({ method: method as "GET", path })
    const place = ["paths", path, method.toLowerCase()]
    yield* assertRequest(exchange, operation, place)
    yield* assertAnswer(exchange, operation, place)
    seen.add(operation.operationId)
  }
  return seen
})

describe("the OpenAPI document", () => {
  it("is that of the endpoints", async () => {
    const made = JSON.parse(JSON.stringify(await make()))
    assert.deepStrictEqual(document, made, "run: npx -y pnpm@12.21.0 --filter @qq-mini/sandbox openapi")
  })

  it("is exported and valid as OpenAPI 3.1", async () => {
    assert.strictEqual(import.meta.resolve("@qq-mini/sandbox/openapi.json"), `file://${file}`)
    const validator = new Validator()
    const { errors, valid } = await validator.validate(readFileSync(file, "utf8"))
    assert.isTrue(valid, JSON.stringify(errors))
    assert.strictEqual(validator.version, "3.1")
  })

  it("has every endpoint once, by its name, method and path", () => {
    const found = Object.entries(document.paths).flatMap(([path, item]) =>
      Object.entries(item).map(([method, { operationId }]) => [operationId, method.toUpperCase(), path])
    )
    assert.deepStrictEqual(
      found,
      endpoints.map(({ method, name, path }) => [name, method, path])
    )
  })

  it("has examples that its schemas and the endpoints accept", async () => {
    const encoder = new TextEncoder()
    for (const endpoint of endpoints) {
      const operation = operationOf(endpoint)
      const place = ["paths", endpoint.path, endpoint.method.toLowerCase()]
      const examplesOf = async (content: Content, at: ReadonlyArray<string>) => {
        const values: Array<unknown> = []
        for (const [media, { example, examples = { example: { value: example } } }] of Object.entries(content)) {
          for (const { value } of Object.values(examples)) {
            if (value === undefined) continue
            const plain = media === "text/xml" ? await valueOf(media, encoder.encode(String(value))) : value
            assertValid([...at, "content", media, "schema"], plain)
            values.push(plain)
          }
        }
        return values
      }
      for (const [i, { example }] of operation.parameters.entries()) {
        assertValid([...place, "parameters", String(i), "schema"], example)
      }
      const sent = await examplesOf(operation.requestBody?.content ?? {}, [...place, "requestBody"])
      if (endpoint.compose === undefined && endpoint.method === "POST" && sent.length > 0) {
        const { appid: _, ...own } = sent[0] as Readonly<Record<string, unknown>>
        assert.isTrue(Result.isSuccess(Schema.decodeUnknownResult(endpoint.wire)(endpoint.appid ? own : sent[0])))
      }
      for (const [status, { content }] of Object.entries(operation.responses)) {
        const [success] = await examplesOf(content, [...place, "responses", status])
        if (success !== undefined) {
          assert.isTrue(Result.isSuccess(Schema.decodeUnknownResult(endpoint.output)(success)), endpoint.name)
        }
      }
    }
    // the signature that QQ's document prints
    const prePay = operationOf(groups.gamePay.prePay).requestBody!.content["application/json"]!.example
    assert.propertyVal(prePay, "sig", "38181bd0acf24eda203655a3be9f2e42b62d4fcf1c1de61a98b0573d13531449")
  })

  it("has bounds that are the endpoints'", () => {
    const bodyOf = (endpoint: Any) => operationOf(endpoint).requestBody!.content["application/json"]!.schema
    assert.deepNestedInclude(bodyOf(groups.security.msgSecCheck), {
      "properties.content.minLength": 1,
      "properties.content.maxLength": Security.maxTextBytes
    })
    assert.deepNestedInclude(bodyOf(groups.openData.setUserStorage), {
      "properties.kv_list.maxItems": 128,
      "properties.kv_list.items.properties.key.maxLength": 128
    })
    assert.deepNestedInclude(bodyOf(groups.gamePay.prePay), {
      "properties.bill_no.maxLength": 63,
      "properties.amt.minimum": 1,
      "properties.amt.type": "integer"
    })
    for (const [endpoint, name, good, bad] of [
      [groups.acode.getMiniCode, "path", "pages/a?b=1", "/pages/a"],
      [groups.acode.getMiniCode, "path", "pages/a", "pages/a b"],
      [groups.security.mediaCheckAsync, "media_url", "https://example.com/a", "example.com/a"]
    ] as const) {
      const { pattern } = (bodyOf(endpoint)!["properties"] as Readonly<Record<string, { readonly pattern: string }>>)[
        name
      ]!
      const accepts = (value: string) =>
        Result.isSuccess(
          Schema.decodeUnknownResult(endpoint.input as Schema.Codec<unknown>)({ media_type: 1, [name]: value })
        )
      for (const value of [good, bad]) assert.strictEqual(new RegExp(pattern, "u").test(value), accepts(value), value)
    }
  })

  for (const integers of ["numbers", "strings"] as const) {
    it.effect(`says what all calls send, and what they are answered with integers as ${integers}`, () => {
      const exchanges: Array<Exchange> = []
      return Effect.gen(function* () {
        yield* TestClock.setTime(now)
        const guest = yield* newGuest(yield* Sandbox.Sandbox, "guest")
        for (const call of Object.values(all)) yield* call(guest)
        const seen = yield* assertExchanges(exchanges)
        assert.sameMembers([...seen], names)
      }).pipe(
        Effect.provide(
          recording(exchanges, { switches: { integers, zeros: integers === "strings" ? "leftOut" : "sent" } })
        )
      )
    })
  }

  for (const errorStatus of [200, 400]) {
    it.effect(`says how all calls are refused with HTTP ${errorStatus}`, () => {
      const exchanges: Array<Exchange> = []
      return Effect.gen(function* () {
        const sandbox = yield* Sandbox.Sandbox
        yield* TestClock.setTime(now)
        // getToken comes last: without a token no other call is made
        for (const { name } of endpoints.toReversed()) {
          yield* sandbox.fault({ kind: "code", endpoint: name, code: 40035, times: 3 })
          yield* Effect.exit(all[name]!(stranger, { attempts: 1 }))
        }
        const refused = exchanges.filter(({ received }) => textOf(received).includes("40035"))
        const seen = yield* assertExchanges(refused)
        assert.sameMembers([...seen], names)
      }).pipe(Effect.provide(recording(exchanges, { switches: { errorStatus } })))
    })
  }
})
