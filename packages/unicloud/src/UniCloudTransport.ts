/**
 * HTTP over `uniCloud.httpclient.request` (urllib 2) or `uniCloud.request`: bytes both ways, no redirects, and times that
 * end what can't be stopped. What these clients throw holds the whole URL, and so the secret: of it only the name goes on.
 */
import * as BufferedResponse from "@qq-mini/core/BufferedResponse"
import { AttemptTimeout } from "@qq-mini/core/QQMini"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientError from "effect/http/HttpClientError"
import type { HttpClientRequest } from "effect/http/HttpClientRequest"
import * as Layer from "effect/Layer"
import { isAnyArrayBuffer } from "node:util/types"
import type { Httpclient, Request } from "./UniCloud.ts"

interface Sent {
  readonly url: string
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer | undefined
  /** Milliseconds. */
  readonly timeout: number
}

interface Received {
  readonly status: number
  readonly headers: Readonly<Record<string, string | ReadonlyArray<string> | undefined>> | undefined
  readonly data: unknown
}

// no attempt is longer, also of a client whose own time has no end
const longest = 60_000
// one for connecting and one for the answer
const shortest = 2

/** Whatever a client made of the bytes, as bytes again; also of another realm, as where functions run in a VM. */
const bytesOf = (data: unknown): Uint8Array => {
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
  if (isAnyArrayBuffer(data)) return new Uint8Array(data)
  if (data === undefined || data === null) return new Uint8Array()
  return Buffer.from(typeof data === "string" ? data : JSON.stringify(data))
}

const arrayBufferOf = ({ buffer, byteLength, byteOffset }: Uint8Array): ArrayBuffer =>
  buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer

// `uniCloud.request` takes texts and ArrayBuffers
const isText = (headers: Readonly<Record<string, string>>) =>
  /json|urlencoded/.test(String(headers["content-type"] ?? ""))

/** An error that says how far the request came, and nothing of the request. */
const nameless = (error: any): object => {
  const late = error?.name === "ResponseTimeoutError" || error?.code === "ESOCKETTIMEDOUT"
  return {
    name: String(error?.name),
    code: late ? "ETIMEDOUT" : error?.code,
    // urllib tells it of those it made itself by their names alone
    syscall: error?.syscall
  }
}

const responseOf = (request: HttpClientRequest, { data, headers, status }: Received) => {
  const [, wait] = Object.entries(headers ?? {}).find(([name]) => name.toLowerCase() === "retry-after") ?? []
  return BufferedResponse.make(request, {
    status,
    bytes: bytesOf(data),
    retryAfter: wait === undefined ? undefined : String(wait)
  })
}

/** Milliseconds that a request may take, whatever an attempt may: it can't be stopped when nobody waits for it any more. */
export type Left = () => number

const make = (left: Left, send: (sent: Sent) => Promise<Received>): HttpClient.HttpClient =>
  HttpClient.make((request, url) =>
    Effect.flatMap(AttemptTimeout, (limit) => {
      const { body, headers, method } = request
      const timeout = Math.floor(Math.min(limit, left(), longest))
      if (timeout < shortest) {
        const cause = { name: "ConnectionTimeoutError" }
        return Effect.fail(
          new HttpClientError.HttpClientError({ reason: new HttpClientError.TransportError({ request, cause }) })
        )
      }
      return Effect.tryPromise({
        try: () =>
          send({
            url: url.href,
            method,
            headers: { ...headers },
            body: body._tag === "Uint8Array" ? Buffer.from(body.body) : undefined,
            timeout
          }),
        catch: (error) =>
          new HttpClientError.HttpClientError({
            reason: new HttpClientError.TransportError({ request, cause: nameless(error) })
          })
      }).pipe(Effect.map((received) => responseOf(request, received)))
    })
  )

// Connecting may take a quarter of what is left, at most this long. A connection that takes longer is made anew (ms).
const connectMillis = 3_000
const reconnectAbove = 200

/**
 * HTTP over `uniCloud.httpclient`. Of an attempt's time a quarter (at most 3 seconds) is for connecting, the rest for the
 * answer, so that nothing of it is left when its time is over. While there is time, a connection that was not made is
 * tried again: nothing was sent, and on a busy machine it may have been made without being noticed.
 */
export const layerHttpclient = (
  httpclient: Httpclient,
  left: Left = () => Infinity
): Layer.Layer<HttpClient.HttpClient> =>
  Layer.sync(HttpClient.HttpClient, () =>
    make(left, async ({ body, headers, method, timeout, url }) => {
      const end = performance.now() + timeout
      const request = async (within: number): Promise<Received> => {
        const connect = Math.min(connectMillis, Math.ceil(within / 4))
        try {
          return await httpclient.request(url, {
            method,
            headers,
            ...(body === undefined ? {} : { content: body }),
            timeout: [connect, within - connect]
          })
        } catch (error) {
          const rest = Math.floor(end - performance.now())
          if ((error as Error | undefined)?.name !== "ConnectionTimeoutError" || rest < reconnectAbove) throw error
          return request(rest)
        }
      }
      return request(timeout)
    })
  )

/** HTTP over `uniCloud.request`, for where that is preferred. It tells less of how far a request came. */
export const layerRequest = (request: Request, left: Left = () => Infinity): Layer.Layer<HttpClient.HttpClient> =>
  Layer.sync(HttpClient.HttpClient, () =>
    make(left, async ({ body, headers, method, timeout, url }) => {
      const answer = await request({
        url,
        method,
        header: headers,
        ...(body === undefined ? {} : { data: isText(headers) ? body.toString() : arrayBufferOf(body) }),
        timeout,
        responseType: "buffer"
      })
      return { status: answer.statusCode, headers: answer.header, data: answer.data }
    })
  )
