/**
 * Faults for tests: which fault hits which call and when, and how it changes the answer.
 */
import type * as Endpoint from "@qq-mini/core/Endpoint"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Stream from "effect/Stream"

/** All kinds of faults. */
export const kinds = [
  // A valid token is refused.
  "badToken",
  // All tokens of the program become invalid, and the call is refused.
  "revokedToken",
  // Another client fetches a token for the program. The old one stays valid for its grace period.
  "stolenToken",
  // The answer is the error with the fault's `code`.
  "code",
  // The answer is an HTML page with status 502.
  "html502",
  // The body is empty.
  "empty",
  // The body contains only its first half.
  "truncated",
  // JSON with the Content-Type of an image. For a mini code the JSON is QQ's error `-1`.
  "jsonAsImage",
  // An image with the Content-Type of JSON, for every call.
  "imageAsJson",
  // `errCode` instead of `errcode`, and the reverse.
  "wrongCase",
  // The connection breaks before the platform executes the call.
  "resetBefore",
  // The connection breaks after the platform has executed the call.
  "resetAfter",
  // The whole answer comes after the fault's `delay`.
  "slowHeaders",
  // The second half of the body comes after the fault's `delay`.
  "slowBody",
  // A body of 32 MB.
  "hugeBody"
] as const

/** A kind of fault, one of {@link kinds}. */
export type FaultKind = (typeof kinds)[number]

/** A fault, with the calls that it hits. */
export interface Fault {
  /** The kind of fault. */
  readonly kind: FaultKind
  /** The call that it hits, such as `security.msgSecCheck`. By default every call. */
  readonly endpoint?: string | undefined
  /** How many calls it hits. By default 1, or unlimited if `share` or `during` is set. */
  readonly times?: number | undefined
  /** The probability with which it hits a call, from 0 to 1. By default 1. */
  readonly share?: number | undefined
  /** How long the fault is active. A number is milliseconds. By default unlimited. */
  readonly during?: Duration.Input | undefined
  /** The code of a `code` fault. By default -1. */
  readonly code?: number | undefined
  /** The delay of `slowHeaders` and `slowBody`. A number is milliseconds. By default a minute. */
  readonly delay?: Duration.Input | undefined
}

const utf8 = new TextEncoder()

const swapped = new Map([
  ["errcode", "errCode"],
  ["errmsg", "errMsg"],
  ["errCode", "errcode"],
  ["errMsg", "errmsg"]
])

const html502 = HttpServerResponse.text("<html><head><title>502 Bad Gateway</title></head></html>", {
  status: 502,
  contentType: "text/html"
})

const wrongCase = (bytes: Uint8Array): string => {
  const body = Object.entries(JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown>)
  return JSON.stringify(Object.fromEntries(body.map(([name, value]) => [swapped.get(name) ?? name, value])))
}

const slowBody = (bytes: Uint8Array, contentType: string, delay: Duration.Input) => {
  const half = Math.floor(bytes.length / 2)
  const rest = Effect.delay(Effect.succeed(bytes.slice(half)), delay)
  return HttpServerResponse.stream(Stream.concat(Stream.succeed(bytes.slice(0, half)), Stream.fromEffect(rest)), {
    contentType
  })
}

// 32 MB, far more than a client accepts for an answer.
const hugeBody = (contentType: string) => {
  const chunk = new Uint8Array(1024 * 1024).fill(0x20)
  return HttpServerResponse.stream(Stream.fromIterable(Array.from({ length: 32 }, () => chunk)), { contentType })
}

/**
 * Applies a fault to a good answer. Returns `undefined` if the connection breaks. Faults that hit before or during the
 * execution of the call (bad tokens, codes, `resetBefore`) are not handled here.
 */
export const spoil = (
  { delay = "1 minute", kind }: Fault,
  response: HttpServerResponse.HttpServerResponse,
  options: {
    readonly endpoint: Endpoint.Any
    readonly jsonType: string
    /** Makes an image, for calls without one. */
    readonly image: Effect.Effect<Uint8Array>
  }
): Effect.Effect<HttpServerResponse.HttpServerResponse | undefined> => {
  const { endpoint, image, jsonType } = options
  const bytes = response.body._tag === "Uint8Array" ? response.body.body : new Uint8Array(0)
  const contentType = response.headers["content-type"] ?? jsonType
  const raw = (body: Uint8Array | string, contentType: string) =>
    Effect.succeed(
      HttpServerResponse.uint8Array(typeof body === "string" ? utf8.encode(body) : body, {
        status: response.status,
        contentType
      })
    )
  switch (kind) {
    case "resetAfter":
      return Effect.undefined
    case "html502":
      return Effect.succeed(html502)
    case "empty":
      return Effect.succeed(HttpServerResponse.text("", { contentType: jsonType }))
    case "truncated":
      return raw(bytes.slice(0, Math.floor(bytes.length / 2)), contentType)
    case "jsonAsImage":
      return raw(endpoint.image ? '{"errcode":-1,"errmsg":"system busy"}' : bytes, "image/png")
    case "imageAsJson":
      return endpoint.image ? raw(bytes, jsonType) : Effect.flatMap(image, (bytes) => raw(bytes, jsonType))
    case "wrongCase":
      return raw(
        endpoint.image || endpoint.readOther ? '{"errCode":-1,"errMsg":"system busy"}' : wrongCase(bytes),
        jsonType
      )
    case "slowHeaders":
      return Effect.delay(Effect.succeed(response), delay)
    case "slowBody":
      return Effect.succeed(slowBody(bytes, contentType, delay))
    case "hugeBody":
      return Effect.succeed(hugeBody(jsonType))
    default:
      return Effect.succeed(response)
  }
}
