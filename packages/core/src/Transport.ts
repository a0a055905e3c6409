/**
 * The seam to HTTP: one request, one answer.
 *
 * An implementation holds no policy: it repeats nothing, follows no redirect, and takes every status for an answer. Adapters
 * bring one for their runtime; {@link layerHttpClient} makes one of any `HttpClient` of `effect/http`.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClient from "effect/http/HttpClient"
import type { HttpClientError } from "effect/http/HttpClientError"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import type { HttpClientResponse } from "effect/http/HttpClientResponse"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { failed, join, timedOut, tooLong } from "./transport/exchange.ts"
import type { Request, Response, TransportError } from "./transport/types.ts"

export type {
  /** One request to QQ. */
  Request,
  /** QQ's answer. */
  Response
} from "./transport/types.ts"
export {
  /** A request without an answer. */
  TransportError
} from "./transport/types.ts"

/** The service that sends. */
export class Transport extends Context.Service<
  Transport,
  {
    /**
     * Sends a request and reads the whole answer. When `timeout` is over it fails with `ETIMEDOUT`. Interrupting it drops
     * the request.
     */
    readonly send: (request: Request) => Effect.Effect<Response, TransportError>
  }
>()("@qq-mini/core/Transport") {}

const read = Effect.fnUntraced(function* (
  response: HttpClientResponse,
  maxBytes: number
): Effect.fn.Return<Response, HttpClientError> {
  const { "content-encoding": encoding, "content-length": length, "retry-after": retryAfter } = response.headers
  const answer = { status: response.status, retryAfter, announced: tooLong(length, maxBytes) }
  // An answer that tells a small length need not be watched; compressed it may still grow.
  if (length !== undefined && Number(length) <= maxBytes && encoding === undefined) {
    return { ...answer, bytes: new Uint8Array(yield* response.arrayBuffer) }
  }
  const pieces: Array<Uint8Array> = []
  let size = 0
  // A stream that ends early ends the connection, too.
  yield* response.stream.pipe(
    Stream.takeWhile((piece) => {
      pieces.push(piece)
      size += piece.length
      return size <= maxBytes && answer.announced === undefined
    }),
    Stream.runDrain
  )
  return { ...answer, bytes: join(pieces) }
})

const always = () => true

const followNoRedirect = (context: Context.Context<never>): Context.Context<never> =>
  Context.add(context, FetchHttpClient.RequestInit, {
    redirect: "manual",
    ...Context.getOrUndefined(context as Context.Context<FetchHttpClient.RequestInit>, FetchHttpClient.RequestInit)
  })

const outgoing = ({ body, headers, method, origin, path, query }: Request): HttpClientRequest.HttpClientRequest => {
  const request = HttpClientRequest.make(method)(origin + path, { urlParams: query })
  if (body === undefined) return request
  const type = headers["content-type"]
  return typeof body === "string"
    ? HttpClientRequest.bodyText(request, body, type)
    : HttpClientRequest.bodyUint8Array(request, body, type)
}

/** A transport over an HTTP client of `effect/http`. */
export const fromHttpClient = (http: HttpClient.HttpClient): Transport["Service"] => ({
  send: (request) =>
    Effect.suspend(() => http.execute(outgoing(request))).pipe(
      Effect.flatMap((response) => read(response, request.maxBytes)),
      // A redirect would carry the token to wherever it points.
      Effect.updateContext(followNoRedirect),
      // Nothing goes to QQ but the call, so no trace headers. A span of the URL would add nothing to the call's own.
      Effect.provideService(HttpClient.TracerDisabledWhen, always),
      Effect.mapError(failed),
      Effect.timeoutOrElse({ duration: request.timeout, orElse: () => Effect.fail(timedOut("lost")) })
    )
})

/**
 * The transport over the `HttpClient` that is provided: an app's own, with its proxy and its tracing, or a test's stub. It
 * must not repeat requests by itself.
 */
export const layerHttpClient: Layer.Layer<Transport, never, HttpClient.HttpClient> = /* @__PURE__ */ Layer.effect(
  Transport,
  /* @__PURE__ */ Effect.map(HttpClient.HttpClient, fromHttpClient)
)
