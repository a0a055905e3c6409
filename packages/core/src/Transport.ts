/**
 * The interface to HTTP: one request, one answer.
 *
 * An implementation has no policy: it does not retry, does not follow redirects, and returns every HTTP status as an
 * answer. Each adapter has a transport for its runtime. {@link layerHttpClient} makes one from any `HttpClient` of
 * `effect/http`.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import type { HttpClientResponse } from "effect/http/HttpClientResponse"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { isDecoded } from "./transport/coding.ts"
import { excessLength, join, timedOut, toTransportError, wholeOf } from "./transport/exchange.ts"
import type { Request, Response, TransportError } from "./transport/types.ts"

export type {
  /** One request to QQ. */
  Request,
  /** QQ's answer. */
  Response
} from "./transport/types.ts"
export {
  /** The error of a request without an answer. */
  TransportError
} from "./transport/types.ts"

/** The service that sends HTTP requests to QQ. */
export class Transport extends Context.Service<
  Transport,
  {
    /**
     * Sends a request and reads the whole answer. Fails with the problem `ETIMEDOUT` after the request's `timeout`.
     * Interrupting the effect aborts the request.
     */
    readonly send: (request: Request) => Effect.Effect<Response, TransportError>
  }
>()("@qq-mini/core/Transport") {}

/** Reads a body to its end, or until it exceeds `maxBytes`. Leaving the stream early also closes the connection. */
const collect = <E>(stream: Stream.Stream<Uint8Array, E>, maxBytes: number): Effect.Effect<Uint8Array, E> =>
  Effect.suspend(() => {
    const pieces: Array<Uint8Array> = []
    let size = 0
    return stream.pipe(
      Stream.takeWhile((piece) => {
        pieces.push(piece)
        size += piece.length
        return size <= maxBytes
      }),
      Stream.runDrain,
      Effect.map(() => join(pieces))
    )
  })

const formats = new Map<string, CompressionFormat>([
  ["gzip", "gzip"],
  ["x-gzip", "gzip"],
  ["deflate", "deflate"]
])

const decompressed = (bytes: Uint8Array<ArrayBuffer>, format: CompressionFormat) =>
  Stream.fromReadableStream({
    evaluate: () => new Blob([bytes]).stream().pipeThrough(new DecompressionStream(format)),
    onError: (error) => error
  })

const read = Effect.fnUntraced(function* (
  response: HttpClientResponse,
  maxBytes: number
): Effect.fn.Return<Response, unknown> {
  const { "content-encoding": encoding, "content-length": length, "retry-after": retryAfter } = response.headers
  const announced = excessLength(length, maxBytes)
  const answer = { status: response.status, retryAfter, announced }
  // A body with a small announced length needs no limit while it is read, unless it is compressed.
  if (length !== undefined && Number(length) <= maxBytes && encoding === undefined) {
    return { ...answer, bytes: new Uint8Array(yield* response.arrayBuffer) }
  }
  const bytes = yield* collect(response.stream, announced === undefined ? maxBytes : -1)
  const format = formats.get(encoding?.trim().toLowerCase() ?? "")
  if (format === undefined || announced !== undefined || bytes.length > maxBytes || isDecoded(bytes)) {
    return { ...answer, bytes }
  }
  return { ...answer, bytes: yield* collect(decompressed(new Uint8Array(bytes), format), maxBytes) }
})

const always = () => true

// A redirect would send the token to another server.
const followNoRedirect = (context: Context.Context<never>): Context.Context<never> =>
  Context.add(context, FetchHttpClient.RequestInit, {
    ...Context.getOrUndefined(context as Context.Context<FetchHttpClient.RequestInit>, FetchHttpClient.RequestInit),
    redirect: "manual"
  })

const outgoing = (sent: Request): HttpClientRequest.HttpClientRequest => {
  const { headers, method, origin, path, query } = sent
  const body = wholeOf(sent.body)
  const request = HttpClientRequest.make(method)(origin + path, { urlParams: query, headers })
  if (body === undefined) return request
  const type = headers["content-type"]
  return typeof body === "string"
    ? HttpClientRequest.bodyText(request, body, type)
    : HttpClientRequest.bodyUint8Array(request, body, type)
}

/** Makes a transport from an HTTP client of `effect/http`. */
export const fromHttpClient = (http: HttpClient.HttpClient): Transport["Service"] => ({
  send: (request) =>
    Effect.suspend(() => http.execute(outgoing(request))).pipe(
      Effect.flatMap((response) => read(response, request.maxBytes)),
      Effect.updateContext(followNoRedirect),
      // Trace headers must not be sent to QQ. A span for the URL would add nothing to the call's own span.
      Effect.provideService(HttpClient.TracerDisabledWhen, always),
      Effect.mapError(toTransportError),
      Effect.timeoutOrElse({ duration: request.timeout, orElse: () => Effect.fail(timedOut("lost")) })
    )
})

/**
 * The transport over the provided `HttpClient`: an app's own client with its proxy and tracing, or a stub in a test.
 * The client must not retry requests or follow redirects.
 */
export const layerHttpClient: Layer.Layer<Transport, never, HttpClient.HttpClient> = /* @__PURE__ */ Layer.effect(
  Transport,
  /* @__PURE__ */ Effect.map(HttpClient.HttpClient, fromHttpClient)
)
