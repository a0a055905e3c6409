/** What every transport needs: where a request goes, how an answer is put together, and how a failure is named. */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { phaseOf } from "./phase.ts"
import { type Request, type Response, TransportError } from "./types.ts"

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
