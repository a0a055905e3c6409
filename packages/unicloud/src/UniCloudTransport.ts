/**
 * HTTP over `uniCloud.httpclient.request` (urllib 2) or `uniCloud.request`, without redirects. These clients can't
 * abort a request, so every request has a timeout. Their errors contain the whole URL, and so a secret: only the name
 * of an error is used.
 */
import { isNamed } from "@qq-mini/core/adapter/shown"
import * as Exchange from "@qq-mini/core/adapter/exchange"
import * as Transport from "@qq-mini/core/Transport"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { types } from "node:util"
import * as zlib from "node:zlib"
import * as KeepAlive from "./internal/keepAlive.ts"
import type { Httpclient, Request } from "./UniCloud.ts"

interface Sent {
  readonly url: string
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | Buffer | undefined
  /** Timeout in milliseconds. */
  readonly timeout: number
  readonly atMostOnce: boolean
}

interface Received {
  readonly status: number
  readonly headers: Readonly<Record<string, string | ReadonlyArray<string> | undefined>> | undefined
  readonly data: unknown
}

// The longest timeout of an attempt, also for callers without one.
const maxTimeoutMillis = 60_000
// At least 1 ms each for connecting and for the answer.
const minTimeoutMillis = 2

/** Turns a client's `data` into bytes. Also accepts buffers of another realm, because functions may run in a VM. */
const bytesOf = (data: unknown): Uint8Array => {
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
  if (types.isAnyArrayBuffer(data)) return new Uint8Array(data)
  if (data === undefined || data === null) return new Uint8Array()
  return Buffer.from(typeof data === "string" ? data : JSON.stringify(data))
}

const arrayBufferOf = ({ buffer, byteLength, byteOffset }: Uint8Array): ArrayBuffer =>
  buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer

const decoders = Exchange.zlibDecoders(zlib)

/** The answer. Whether these clients decode it depends on their version. */
const responseOf = (
  { data, headers, status }: Received,
  maxBytes: number
): Transport.Response | Promise<Transport.Response> => {
  const fields = new Map(Object.entries(headers ?? {}).map(([name, value]) => [name.toLowerCase(), value]))
  const wait = fields.get("retry-after")
  const codings = fields.get("content-encoding")
  const response = { status, bytes: bytesOf(data), retryAfter: wait === undefined ? undefined : String(wait) }
  return codings === undefined || Exchange.isDecoded(response.bytes)
    ? response
    : Exchange.decode(decoders, String(codings), response, maxBytes)
}

/** Returns the longest time that a request may take, in milliseconds, because a request can't be aborted. */
export type Left = () => number

// How long after its timeout a request fails, if the client does not apply the timeout itself.
const graceMillis = 200

// Text stays a string, which Node writes together with the headers. Of bytes it makes a view, because a copy of an image
// would cost a megabyte.
const contentOf = (request: Transport.Request): string | Buffer | undefined => {
  const body = Exchange.wholeOf(request.body)
  return body === undefined || typeof body === "string"
    ? body
    : Buffer.from(body.buffer, body.byteOffset, body.byteLength)
}

const make = (left: Left, send: (sent: Sent) => Promise<Received>): Transport.Transport["Service"] => ({
  send: (request) =>
    Effect.suspend(() => {
      const { atMostOnce, headers, maxBytes, method, origin } = request
      const timeout = Math.floor(Math.min(request.timeout, left(), maxTimeoutMillis))
      // D1: without time left nothing is sent, so the phase is `unsent`.
      if (timeout < minTimeoutMillis) {
        return Effect.fail(new Transport.TransportError({ phase: "unsent", problem: "ConnectionTimeoutError" }))
      }
      return Effect.callback((resume) => {
        // If the client applies its timeout, its error comes first, because it knows whether the request had left. The
        // error of a destroyed socket comes only at the end of this turn of the event loop.
        const timer = setTimeout(
          () => setImmediate(() => setImmediate(() => resume(Effect.fail(Exchange.timedOut("lost", timeout))))),
          timeout + graceMillis
        )
        const url = origin + Exchange.targetOf(request)
        const sent = {
          url,
          method,
          headers,
          body: contentOf(request),
          timeout,
          atMostOnce
        }
        Exchange.settle(
          send(sent).then((received) => responseOf(received, maxBytes)),
          (end) => {
            clearTimeout(timer)
            resume(end)
          },
          timeout
        )
        return Effect.sync(() => clearTimeout(timer))
      })
    })
})

// Connecting may take a quarter of the remaining time, and at most this long (ms).
const maxConnectMillis = 3_000
// A connection that timed out is retried if at least this much time remains (ms).
const reconnectAboveMillis = 200

/**
 * HTTP over `uniCloud.httpclient`. A quarter of an attempt's time (at most 3 seconds) is for connecting, and the rest
 * for the answer, so that the request has ended when its timeout is over. A connection that timed out is retried while
 * there is time: nothing was sent, and a busy machine may only have noticed the connection too late. Requests that may be
 * repeated share connections, which are kept for 4 seconds.
 */
export const layerHttpclient = (
  httpclient: Httpclient,
  left: Left = () => Infinity
): Layer.Layer<Transport.Transport> =>
  Layer.effect(
    Transport.Transport,
    Effect.map(KeepAlive.make, (agents) =>
      make(left, async ({ atMostOnce, body, headers, method, timeout, url }) => {
        const end = performance.now() + timeout
        // D1: a kept connection may break while a request uses it, so a send has a connection of its own.
        const connections = atMostOnce ? undefined : agents()
        const request = async (within: number): Promise<Received> => {
          const connect = Math.min(maxConnectMillis, Math.ceil(within / 4))
          try {
            return await httpclient.request(url, {
              method,
              headers,
              ...(body === undefined ? undefined : { content: body }),
              ...connections,
              timeout: [connect, within - connect]
            })
          } catch (error) {
            const rest = Math.floor(end - performance.now())
            if (!isNamed(error, /^ConnectionTimeoutError$/) || rest < reconnectAboveMillis) throw error
            return request(rest)
          }
        }
        return request(timeout)
      })
    )
  )

/** HTTP over `uniCloud.request`. Its errors say less exactly whether a request had left. */
export const layerRequest = (request: Request, left: Left = () => Infinity): Layer.Layer<Transport.Transport> =>
  Layer.sync(Transport.Transport, () =>
    make(left, async ({ body, headers, method, timeout, url }) => {
      const answer = await request({
        url,
        method,
        header: headers,
        ...(body === undefined ? undefined : { data: typeof body === "string" ? body : arrayBufferOf(body) }),
        timeout,
        responseType: "buffer"
      })
      return { status: answer.statusCode, headers: answer.header, data: answer.data }
    })
  )
