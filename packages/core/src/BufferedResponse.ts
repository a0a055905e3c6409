/**
 * An answer whose bytes are all here: for HTTP layers over clients that read it to its end themselves.
 */
import type { HttpClientRequest } from "effect/http/HttpClientRequest"
import * as HttpClientResponse from "effect/http/HttpClientResponse"

/** What came. */
export interface Buffered {
  readonly status: number
  readonly bytes: Uint8Array
  /** The header `Retry-After`, which is all that is used of the headers. */
  readonly retryAfter: string | null | undefined
}

/** Pieces of bytes as one. */
export const join = (pieces: ReadonlyArray<Uint8Array>): Uint8Array => {
  const bytes = new Uint8Array(pieces.reduce((size, piece) => size + piece.length, 0))
  let at = 0
  for (const piece of pieces) {
    bytes.set(piece, at)
    at += piece.length
  }
  return bytes
}

const arrayBufferOf = ({ buffer, byteLength, byteOffset }: Uint8Array): ArrayBuffer =>
  buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer

/** The response to a request. It is no `Response` of the platform, which not every Node has. */
export const make = (
  request: HttpClientRequest,
  { bytes, retryAfter, status }: Buffered
): HttpClientResponse.HttpClientResponse => {
  let read = false
  const source = {
    status,
    headers: {
      "content-length": String(bytes.length),
      ...(retryAfter === undefined || retryAfter === null ? {} : { "retry-after": retryAfter })
    },
    arrayBuffer: () => Promise.resolve(arrayBufferOf(bytes)),
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
