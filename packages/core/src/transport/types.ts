/** What a transport takes and gives. */
import * as Data from "effect/Data"
import type * as Redacted from "effect/Redacted"

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
