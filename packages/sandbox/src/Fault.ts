/**
 * Faults on demand: what goes wrong with a call, when, and how the answer looks then.
 */
import type * as Endpoint from "@qq-mini/core/Endpoint"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Stream from "effect/Stream"

/** What can go wrong, by the name of what a caller sees. */
export const kinds = [
  // The token is refused, however good it is.
  "badToken",
  // The program's token is dead from now on, without a new one.
  "revokedToken",
  // Somebody else fetches a token for the program; the old one is good for its grace.
  "stolenToken",
  // The answer is `code`.
  "code",
  "html502",
  "empty",
  "truncated",
  // JSON under an image's Content-Type. For a mini code the JSON is QQ's `-1`.
  "jsonAsImage",
  // An image under JSON's Content-Type, whatever was asked for.
  "imageAsJson",
  // `errCode` for `errcode` and the reverse.
  "wrongCase",
  "resetBefore",
  "resetAfter",
  "slowHeaders",
  "slowBody",
  "hugeBody"
] as const

/** One of {@link kinds}. */
export type FaultKind = (typeof kinds)[number]

/** A fault and when it strikes. */
export interface Fault {
  readonly kind: FaultKind
  /** The call it strikes, as `security.msgSecCheck`. Every call when absent. */
  readonly endpoint?: string | undefined
  /** How many calls it strikes. Without `times`, `share` and `during` it is 1. */
  readonly times?: number | undefined
  /** The share of calls it strikes, 0 to 1. */
  readonly share?: number | undefined
  /** For how long it may strike. */
  readonly during?: Duration.Input | undefined
  /** The code of a `code` fault. By default -1. */
  readonly code?: number | undefined
  /** How slow `slowHeaders` and `slowBody` are. By default a minute. */
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

// Far more than any answer may have.
const hugeBody = (contentType: string) => {
  const chunk = new Uint8Array(1024 * 1024).fill(0x20)
  return HttpServerResponse.stream(Stream.fromIterable(Array.from({ length: 32 }, () => chunk)), { contentType })
}

/**
 * Spoils a good answer as the fault says; `undefined` is a connection that breaks. Faults that strike before or while the
 * work is done (bad tokens, codes, `resetBefore`) are not decided here.
 */
export const spoil = (
  { delay = "1 minute", kind }: Fault,
  response: HttpServerResponse.HttpServerResponse,
  options: {
    readonly endpoint: Endpoint.Any
    readonly jsonType: string
    /** Draws an image where none was asked for. */
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
      return raw(endpoint.image ? '{"errCode":-1,"errMsg":"system busy"}' : wrongCase(bytes), jsonType)
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
