import type * as Endpoint from "@qq-mini/core/Endpoint"
import * as Effect from "effect/Effect"
import type * as HttpServerRequest from "effect/http/HttpServerRequest"
import { Refusal } from "./refusal.ts"
import { isPayment } from "./signed.ts"

/** What a request brings. */
interface Read {
  readonly params: Readonly<Record<string, unknown>>
  /** The body as it came. */
  readonly bytes: Uint8Array
}

const imageTypes = new Set(["image/png", "image/jpeg", "image/gif"])

/** Reads the parameters of a request by their wire names, according to its method and Content-Type. */
export const readParams = Effect.fnUntraced(function* (
  endpoint: Endpoint.Any,
  request: HttpServerRequest.HttpServerRequest,
  query: URLSearchParams
): Effect.fn.Return<Read, Refusal> {
  const bad = () => new Refusal(isPayment(endpoint) ? 90018 : 40035, "invalid parameter")
  if (endpoint.method === "GET") {
    const { access_token: _, appid: _a, secret: _s, ...params } = Object.fromEntries(query)
    return { params, bytes: new Uint8Array() }
  }
  const type = request.headers["content-type"] ?? ""
  const isForm = /^(multipart\/form-data|application\/x-www-form-urlencoded)/i.test(type)
  // QQ's page says that the mini code refuses forms. Other clients send the checks as forms.
  if (isForm && endpoint.resultCodes === undefined) return yield* Effect.fail(bad())
  const bytes = new Uint8Array(yield* Effect.orElseSucceed(request.arrayBuffer, () => new ArrayBuffer(0)))
  if (type.startsWith("multipart/form-data")) {
    const form = yield* Effect.tryPromise({
      try: () => new Response(bytes, { headers: { "content-type": type } }).formData(),
      catch: bad
    })
    const params: Record<string, unknown> = {}
    for (const [name, value] of form) {
      params[name] =
        typeof value === "string"
          ? value
          : {
              bytes: new Uint8Array(yield* Effect.promise(() => value.arrayBuffer())),
              // It is unknown whether QQ checks the media type of the part. The handler checks the bytes.
              mediaType: imageTypes.has(value.type) ? value.type : "image/png"
            }
    }
    return { params, bytes }
  }
  const text = new TextDecoder().decode(bytes)
  if (type.startsWith("text/xml")) return { params: { body: text }, bytes }
  if (isForm) return { params: Object.fromEntries(new URLSearchParams(text)), bytes }
  const parsed = yield* Effect.try({ try: () => JSON.parse(text) as unknown, catch: bad })
  if (typeof parsed !== "object" || parsed === null) return yield* Effect.fail(bad())
  return { params: { ...parsed }, bytes }
})
