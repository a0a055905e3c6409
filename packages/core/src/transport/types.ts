/** The types of a transport: request, response and error. */
import * as Data from "effect/Data"
import type * as Redacted from "effect/Redacted"

/** One request to QQ. */
export interface Request {
  /** The HTTP method. */
  readonly method: "GET" | "POST"
  /** Scheme, host and port, such as `https://api.q.qq.com`. */
  readonly origin: string
  /** The path. It may contain a part of the query, but no secret. */
  readonly path: string
  /** The parameters of the query, not encoded. Secrets are redacted. */
  readonly query: ReadonlyArray<readonly [name: string, value: string | Redacted.Redacted<string>]>
  /** The headers, in lower case: `content-type` with a body, and of few calls more, such as `authorization`. */
  readonly headers: Readonly<Record<string, string>>
  /** The encoded body. Pieces are sent one after the other, as one body. */
  readonly body: string | Uint8Array | ReadonlyArray<Uint8Array> | undefined
  /** Timeout of the whole exchange, from connecting to the last byte of the body, in milliseconds. */
  readonly timeout: number
  /** The largest body to read, in bytes. Reading stops as soon as the body exceeds it. */
  readonly maxBytes: number
  /** Whether the request must not reach QQ twice. If so, an HTTP client must not repeat it on a broken connection. */
  readonly atMostOnce: boolean
}

/** QQ's answer. */
export interface Response {
  /** The HTTP status. */
  readonly status: number
  /** The unparsed header `Retry-After`. */
  readonly retryAfter: string | null | undefined
  /** The body without its content coding. If it exceeds `maxBytes`, only a beginning that is longer than that. */
  readonly bytes: Uint8Array
  /** The announced length, if it exceeds `maxBytes`. Then `bytes` may be empty. */
  readonly announced?: number | undefined
}

/** The error of a request without an answer. */
export class TransportError extends Data.TaggedError("TransportError")<{
  /** `unsent`: certainly nothing reached QQ. `lost`: this is unknown. */
  readonly phase: "unsent" | "lost"
  /** The name of the error, such as `ECONNREFUSED`. Never a message or an address, since those may contain a secret. */
  readonly problem: string
  /** The timeout that passed, in milliseconds, if it was shorter than that of the request. */
  readonly limit?: number
}> {
  override get message(): string {
    return `${this.phase}: ${this.problem}`
  }
}
