import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import type { AppCredentials } from "../App.ts"
import type { Any } from "../endpoint/definition.ts"
import { ConnectionFailed, InvalidConfig, TimedOut } from "../reason/client.ts"
import type { Failure } from "../Retry.ts"
import { failed, type Transport, TransportError } from "../Transport.ts"
import { jsonOf, read } from "./answer.ts"
import { baseOf, build, secretsOf, type Wire } from "./request.ts"
import { OnAnswer } from "./settings.ts"

// Seconds or a date. `Headers.parseRetryAfter` does the same, but brings a calendar of 1.7 KB gzipped into every bundle.
const waitOf = (header: string, now: number): number | undefined => {
  const value = header.trim()
  if (/^\d{1,12}$/.test(value)) return Number(value) * 1_000
  const date = Date.parse(/^\w{3,9}, /.test(value) ? value : "")
  return Number.isNaN(date) ? undefined : Math.max(0, date - now)
}

const failure = ({ phase, problem }: TransportError, timeout: number): Failure => ({
  reason:
    phase === "lost" && problem === "ETIMEDOUT"
      ? new TimedOut({ during: "answer", limit: Math.round(timeout) })
      : new ConnectionFailed({ problem }),
  phase,
  connectTimedOut: phase === "unsent" && /timed?out/i.test(problem)
})

const badBaseUrl = Effect.fail<Failure>({
  reason: new InvalidConfig({
    setting: "baseUrl",
    problem: { en: "must be an address, as https://api.q.qq.com", zh: "必须是网址，如 https://api.q.qq.com" }
  }),
  phase: "answered"
})

/** Makes one attempt: one request, one answer, one timeout. */
export type Exchange = (
  endpoint: Any,
  options: {
    readonly wire: Wire
    readonly appid: string | undefined
    readonly authority: Redacted.Redacted<string> | AppCredentials | undefined
    /** Milliseconds for the answer, its body included. */
    readonly timeout: number
  }
) => Effect.Effect<any, Failure>

/** An exchange over a transport. It holds no state. */
export const make = (transport: Transport["Service"], baseUrl: string): Exchange => {
  const base = baseOf(baseUrl)
  if (base === undefined) return () => badBaseUrl
  return Effect.fnUntraced(function* (endpoint, options) {
    const request = yield* build(endpoint, base, options)
    const { announced, bytes, retryAfter, status } = yield* Effect.suspend(() => transport.send(request)).pipe(
      // A transport that throws is a lost connection. What it threw may hold the address, and so the secret.
      Effect.catchDefect((defect) =>
        Effect.fail(new TransportError({ phase: "lost", problem: failed(defect).problem }))
      ),
      Effect.mapError((error) => failure(error, options.timeout))
    )
    const onAnswer = yield* OnAnswer
    const json = onAnswer === undefined ? undefined : jsonOf(bytes)
    if (json !== undefined) onAnswer!(endpoint, json)
    const wait = retryAfter ? waitOf(retryAfter, yield* Clock.currentTimeMillis) : undefined
    const secrets = secretsOf(endpoint, options.wire, options.authority)
    return yield* Effect.fromResult(read(endpoint, { status, bytes, announced, wait }, secrets))
  })
}
