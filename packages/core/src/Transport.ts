/**
 * The seam to HTTP: one request, one answer.
 *
 * An implementation holds no policy: it repeats nothing, follows no redirect, and takes every status for an answer. Adapters
 * bring one for their runtime; {@link layerHttpClient} makes one of any `HttpClient` of `effect/http`.
 */
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClient from "effect/http/HttpClient"
import type { HttpClientError } from "effect/http/HttpClientError"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import type { HttpClientResponse } from "effect/http/HttpClientResponse"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import { phaseOf } from "./internal/transport.ts"

/** One request to QQ. */
export interface Request {
  readonly method: "GET" | "POST"
  /** Scheme, host and port, as `https://api.q.qq.com`. */
  readonly origin: string
  /** The path, which may hold a part of the query. It holds no secret. */
  readonly path: string
  /** The query by names, not encoded. What is secret in it is redacted. */
  readonly query: ReadonlyArray<readonly [name: string, value: string | Redacted.Redacted<string>]>
  /** The type of the body, and nothing else. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | Uint8Array | undefined
  /** Milliseconds for the whole exchange, from connecting to the last byte of the body. */
  readonly timeout: number
  /** The largest answer in bytes. Of a larger one no more is read than tells that it is larger. */
  readonly maxBytes: number
  /** Whether it must not reach QQ twice: a client that repeats requests when a connection breaks is kept from that. */
  readonly atMostOnce: boolean
}

/** QQ's answer. */
export interface Response {
  readonly status: number
  /** The header `Retry-After` as it came. */
  readonly retryAfter: string | null | undefined
  /** The body, or its beginning when it is larger than `maxBytes`. */
  readonly bytes: Uint8Array
  /** The length that was announced for a body larger than `maxBytes`, of which nothing needs to be read. */
  readonly announced?: number | undefined
}

/** A request without an answer. */
export class TransportError extends Data.TaggedError("TransportError")<{
  /** `unsent`: certainly nothing reached QQ. `lost`: it is not known. */
  readonly phase: "unsent" | "lost"
  /** The name of what happened, as `ECONNREFUSED`. Never a message or an address, since those may hold a secret. */
  readonly problem: string
}> {
  override get message(): string {
    return `${this.phase}: ${this.problem}`
  }
}

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

const plain = (value: string | Redacted.Redacted<string>): string =>
  typeof value === "string" ? value : Redacted.value(value)

/** The path and the query of a request, encoded. It holds a secret. */
export const targetOf = ({ path, query }: Request): string => {
  let target = path
  for (const [name, value] of query) {
    target += `${target.includes("?") ? "&" : "?"}${encodeURIComponent(name)}=${encodeURIComponent(plain(value))}`
  }
  return target
}

/** What a client threw, by its name alone, and whether it says that the connection was never made. */
export const failed = (error: unknown): TransportError => new TransportError(phaseOf(error))

/** The request's time is over. `unsent` when nothing of it can have left. */
export const timedOut = (phase: "unsent" | "lost"): TransportError =>
  new TransportError({ phase, problem: "ETIMEDOUT" })

/** The end of a request that a client's promise brings. */
export const settle = (answer: Promise<Response>, end: (exit: Effect.Effect<Response, TransportError>) => void): void =>
  void answer.then(
    (response) => end(Effect.succeed(response)),
    (error) => end(Effect.fail(failed(error)))
  )

/** Pieces of an answer as one. */
export const join = (pieces: ReadonlyArray<Uint8Array>): Uint8Array => {
  if (pieces.length === 1) return pieces[0]!
  const bytes = new Uint8Array(pieces.reduce((size, piece) => size + piece.length, 0))
  let at = 0
  for (const piece of pieces) {
    bytes.set(piece, at)
    at += piece.length
  }
  return bytes
}

/** The announced length of a body, if it is more than may be read. */
export const tooLong = (length: string | null | undefined, maxBytes: number): number | undefined =>
  Number(length) > maxBytes ? Number(length) : undefined

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
