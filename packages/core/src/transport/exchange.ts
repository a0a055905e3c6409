/** Helpers for transports: the target of a request, joining the pieces of an answer, and errors that show no secret. */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { escape } from "../internal/escape.ts"
import { phaseOf } from "./phase.ts"
import { type Request, type Response, TransportError } from "./types.ts"

const unredacted = (value: string | Redacted.Redacted<string>): string =>
  typeof value === "string" ? value : Redacted.value(value)

/** The encoded path and query of a request. It contains a secret. */
export const targetOf = ({ path, query }: Request): string => {
  let target = path
  for (const [name, value] of query) {
    target += `${target.includes("?") ? "&" : "?"}${escape(name)}=${escape(unredacted(value))}`
  }
  return target
}

/**
 * Turns an error that an HTTP client threw into a `TransportError`, with a safe name and the phase of the request. `limit`
 * is the client's timeout, if it is shorter than that of the request.
 */
export const toTransportError = (error: unknown, limit?: number): TransportError => {
  const { phase, problem } = phaseOf(error)
  return problem === "ETIMEDOUT" ? timedOut(phase, limit) : new TransportError({ phase, problem })
}

/** The error of a request that timed out. `unsent` if certainly nothing was sent. */
export const timedOut = (phase: "unsent" | "lost", limit?: number): TransportError =>
  new TransportError({ phase, problem: "ETIMEDOUT", ...(limit === undefined ? {} : { limit }) })

/** Calls `end` with the result of an HTTP client's promise. A rejection becomes a {@link toTransportError}. */
export const settle = (
  answer: Promise<Response>,
  end: (exit: Effect.Effect<Response, TransportError>) => void,
  limit?: number
): void =>
  void answer.then(
    (response) => end(Effect.succeed(response)),
    (error) => end(Effect.fail(toTransportError(error, limit)))
  )

/** Joins the pieces of an answer. */
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

/** Joins the pieces of a request's body, for HTTP clients that do not accept pieces. */
export const wholeOf = (body: Request["body"]): string | Uint8Array | undefined =>
  typeof body === "object" && !(body instanceof Uint8Array) ? join(body) : body

/** The announced length of a body if it exceeds `maxBytes`, else `undefined`. */
export const excessLength = (length: string | null | undefined, maxBytes: number): number | undefined =>
  Number(length) > maxBytes ? Number(length) : undefined
