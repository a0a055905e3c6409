/**
 * HTTP over `uniCloud.httpclient.request` (urllib 2) or `uniCloud.request`: bytes both ways, no redirects, and times that
 * end what can't be stopped. What these clients throw holds the whole URL, and so the secret: of it only the name goes on.
 */
import { isNamed } from "@qq-mini/core/adapter/shown"
import * as Exchange from "@qq-mini/core/adapter/exchange"
import * as Transport from "@qq-mini/core/Transport"
import * as Effect from "effect/Effect"
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

const responseOf = ({ data, headers, status }: Received): Transport.Response => {
  const [, wait] = Object.entries(headers ?? {}).find(([name]) => name.toLowerCase() === "retry-after") ?? []
  return { status, bytes: bytesOf(data), retryAfter: wait === undefined ? undefined : String(wait) }
}

/** Milliseconds that a request may take, whatever an attempt may: it can't be stopped when nobody waits for it any more. */
export type Left = () => number

// How long after its time a client that keeps none itself is given up.
const graceMillis = 200

// A view of the bytes: a copy of an image costs a megabyte.
const bufferOf = (request: Transport.Request): Buffer | undefined => {
  const body = Exchange.wholeOf(request.body)
  if (body === undefined) return undefined
  return typeof body === "string" ? Buffer.from(body) : Buffer.from(body.buffer, body.byteOffset, body.byteLength)
}

const make = (left: Left, send: (sent: Sent) => Promise<Received>): Transport.Transport["Service"] => ({
  send: (request) =>
    Effect.suspend(() => {
      const { headers, method, origin } = request
      const timeout = Math.floor(Math.min(request.timeout, left(), longest))
      // D1: nothing is sent that has no time, and it is known that nothing was
      if (timeout < shortest) {
        return Effect.fail(new Transport.TransportError({ phase: "unsent", problem: "ConnectionTimeoutError" }))
      }
      return Effect.callback((resume) => {
        // One that keeps its time is first, since it knows whether the request had left: of a socket that it destroyed it
        // hears at the end of this turn of the event loop.
        const timer = setTimeout(
          () => setImmediate(() => setImmediate(() => resume(Effect.fail(Exchange.timedOut("lost"))))),
          timeout + graceMillis
        )
        const url = origin + Exchange.targetOf(request)
        const sent = {
          url,
          method,
          headers,
          body: bufferOf(request),
          timeout
        }
        Exchange.settle(send(sent).then(responseOf), (end) => {
          clearTimeout(timer)
          resume(end)
        })
        return Effect.sync(() => clearTimeout(timer))
      })
    })
})

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
): Layer.Layer<Transport.Transport> =>
  Layer.sync(Transport.Transport, () =>
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
          if (!isNamed(error, /^ConnectionTimeoutError$/) || rest < reconnectAbove) throw error
          return request(rest)
        }
      }
      return request(timeout)
    })
  )

/** HTTP over `uniCloud.request`, for where that is preferred. It tells less of how far a request came. */
export const layerRequest = (request: Request, left: Left = () => Infinity): Layer.Layer<Transport.Transport> =>
  Layer.sync(Transport.Transport, () =>
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
