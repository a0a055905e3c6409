/** One attempt of a call: one request, one answer, one timeout. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { Any } from "../endpoint/definition.ts"
import { ConnectionFailed, InvalidConfig, TimedOut } from "../reason/client.ts"
import { answered, type Failure } from "../Retry.ts"
import type { Transport } from "../Transport.ts"
import { toTransportError } from "../transport/exchange.ts"
import { TransportError } from "../transport/types.ts"
import { read } from "./answer.ts"
import type { Wire } from "./encode.ts"
import { baseOf, build, type Proof, secretsOf } from "./request.ts"

// `Retry-After` is seconds or a date. `Headers.parseRetryAfter` does the same, but adds 1.7 KB gzipped to every bundle.
const waitOf = (header: string, now: number): number | undefined => {
  const value = header.trim()
  if (/^\d{1,12}$/.test(value)) return Number(value) * 1_000
  const date = Date.parse(/^\w{3,9}, /.test(value) ? value : "")
  return Number.isNaN(date) ? undefined : Math.max(0, date - now)
}

const failure = ({ limit, phase, problem }: TransportError, timeout: number): Failure => ({
  reason:
    phase === "lost" && problem === "ETIMEDOUT"
      ? new TimedOut({ during: "answer", limit: Math.round(limit ?? timeout) })
      : new ConnectionFailed({ problem }),
  phase,
  repeat: phase === "unsent" ? "yes" : "by-delivery",
  connectTimedOut: phase === "unsent" && /timed?out/i.test(problem)
})

const badBaseUrl = Effect.fail(
  answered(
    new InvalidConfig({
      setting: "baseUrl",
      problem: { en: "must be an address, as https://api.q.qq.com", zh: "必须是网址，如 https://api.q.qq.com" }
    })
  )
)

// I2: if a transport throws, the connection counts as lost. The error may contain the URL, and so the secret.
const thrown = (defect: unknown) =>
  Effect.fail(new TransportError({ phase: "lost", problem: toTransportError(defect).problem }))

/** Makes one attempt. Returns the answer, decoded by the endpoint's output schema. */
export type Attempt = <E extends Any>(
  endpoint: E,
  options: {
    readonly wire: Wire
    readonly appid: string | undefined
    readonly proof: Proof
    /** Timeout in milliseconds, up to the end of the body. */
    readonly timeout: number
  }
) => Effect.Effect<E["output"]["Type"], Failure>

/**
 * Makes the attempt function over a transport. Attempts share no state. `crypto` is for endpoints that sign.
 */
export const make = (transport: Transport["Service"], baseUrl: string, crypto?: Crypto): Attempt => {
  const base = baseOf(baseUrl)
  if (base === undefined) return () => badBaseUrl
  return (endpoint, options) =>
    Effect.flatMap(build(endpoint, base, options, crypto), (request) =>
      Effect.flatMap(
        Effect.suspend(() => transport.send(request)).pipe(
          Effect.catchDefect((defect) => thrown(defect)),
          Effect.mapError((error) => failure(error, options.timeout))
        ),
        ({ announced, bytes, retryAfter, status }) => {
          const answer = (wait: number | undefined) =>
            Effect.fromResult(
              read(endpoint, { status, bytes, announced, wait }, () => secretsOf(endpoint, request, options.wire))
            )
          return retryAfter
            ? Effect.flatMap(Clock.currentTimeMillis, (now) => answer(waitOf(retryAfter, now)))
            : answer(undefined)
        }
      )
    )
}
