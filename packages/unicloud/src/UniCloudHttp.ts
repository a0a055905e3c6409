/**
 * HTTP over `uniCloud.httpclient.request` (urllib 2) or `uniCloud.request`: bytes both ways, no redirects, and times that
 * end what can't be stopped. What these clients throw holds the whole URL, and so the secret: of it only the name goes on.
 */
import { AttemptTimeout } from "@qq-mini/core/QQMini"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientError from "effect/http/HttpClientError"
import type { HttpClientRequest } from "effect/http/HttpClientRequest"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Layer from "effect/Layer"
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

/** Whatever a client made of the bytes, as bytes again. */
const bytesOf = (data: unknown): Uint8Array => {
  if (data instanceof Uint8Array) return data
  if (data instanceof ArrayBuffer) return new Uint8Array(data)
  if (data === undefined || data === null) return new Uint8Array()
  return Buffer.from(typeof data === "string" ? data : JSON.stringify(data))
}

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

// Node 16 has no `Response`, and the bytes are all here
const responseOf = (request: HttpClientRequest, { data, headers, status }: Received) => {
  const bytes = bytesOf(data)
  const wait = headers?.["retry-after"] ?? headers?.["Retry-After"]
  let read = false
  const source = {
    status,
    headers: {
      "content-length": String(bytes.length),
      ...(wait === undefined ? {} : { "retry-after": String(wait) })
    },
    arrayBuffer: () => Promise.resolve(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength)),
    body: {
      getReader: () => ({
        read: () => {
          const done = read
          read = true
          return Promise.resolve(done ? { done } : { done, value: bytes })
        },
        cancel: () => Promise.resolve(),
        releaseLock: () => {}
      })
    }
  }
  return HttpClientResponse.fromWeb(request, source as unknown as Response)
}

const make = (send: (sent: Sent) => Promise<Received>): HttpClient.HttpClient =>
  HttpClient.make((request, url) =>
    Effect.flatMap(AttemptTimeout, (limit) => {
      const { body, headers, method } = request
      return Effect.tryPromise({
        try: () =>
          send({
            url: url.href,
            method,
            headers: { ...headers },
            body: body._tag === "Uint8Array" ? Buffer.from(body.body) : undefined,
            timeout: Math.max(1, Math.floor(Math.min(limit, longest)))
          }),
        catch: (error) =>
          new HttpClientError.HttpClientError({
            reason: new HttpClientError.TransportError({ request, cause: nameless(error) })
          })
      }).pipe(Effect.map((received) => responseOf(request, received)))
    })
  )

/**
 * HTTP over `uniCloud.httpclient`. Of an attempt's time a quarter (at most a second) is for connecting, the rest for the
 * answer, so that nothing of it is left when its time is over.
 */
export const layerHttpclient = (httpclient: Httpclient): Layer.Layer<HttpClient.HttpClient> =>
  Layer.sync(HttpClient.HttpClient, () =>
    make(async ({ body, headers, method, timeout, url }) => {
      const connect = Math.min(1_000, Math.ceil(timeout / 4))
      return httpclient.request(url, {
        method,
        headers,
        ...(body === undefined ? {} : { content: body }),
        timeout: [connect, Math.max(1, timeout - connect)]
      })
    })
  )

/** HTTP over `uniCloud.request`, for where that is preferred. It tells less of how far a request came. */
export const layerRequest = (request: Request): Layer.Layer<HttpClient.HttpClient> =>
  Layer.sync(HttpClient.HttpClient, () =>
    make(async ({ body, headers, method, timeout, url }) => {
      const answer = await request({
        url,
        method,
        header: headers,
        ...(body === undefined ? {} : { data: body }),
        timeout,
        responseType: "arraybuffer"
      })
      return { status: answer.statusCode, headers: answer.header, data: answer.data }
    })
  )
