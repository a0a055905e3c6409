import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { Headers } from "effect/http/Headers"
import * as HttpClient from "effect/http/HttpClient"
import type { HttpClientError } from "effect/http/HttpClientError"
import type { HttpClientResponse } from "effect/http/HttpClientResponse"
import type * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import type { AppCredentials } from "../App.ts"
import { join } from "../BufferedResponse.ts"
import type { Any } from "../Endpoint.ts"
import { ConnectionFailed, InvalidConfig, TimedOut, UnreadableAnswer } from "../QQError.ts"
import { type Failure, phaseOf } from "../Retry.ts"
import { type Answer, jsonOf, read } from "./answer.ts"
import { build, secretsOf, type Wire } from "./request.ts"
import { AtMostOnce, AttemptTimeout, OnAnswer } from "./settings.ts"

// QQ's answers are a few hundred bytes, its images at most a few hundred KB.
const maxJson = 1024 * 1024
const maxImage = 8 * 1024 * 1024

class TooLarge {
  readonly _tag = "TooLarge"
  readonly size: number
  constructor(size: number) {
    this.size = size
  }
}

const collect = Effect.fnUntraced(function* (
  response: HttpClientResponse,
  max: number
): Effect.fn.Return<Uint8Array, HttpClientError | TooLarge> {
  const { "content-encoding": encoding, "content-length": length } = response.headers
  const announced = Number(length ?? 0)
  // what says how small it is need not be watched; compressed it may still grow
  if (length !== undefined && announced <= max && encoding === undefined) {
    return new Uint8Array(yield* response.arrayBuffer)
  }
  const chunks: Array<Uint8Array> = []
  let size = 0
  // a stream that ends early, by failure or interruption, ends the connection too
  yield* Stream.runForEach(response.stream, (chunk) => {
    size += chunk.length
    if (size > max || announced > max) return Effect.fail(new TooLarge(Math.max(size, announced)))
    chunks.push(chunk)
    return Effect.void
  })
  return join(chunks)
})

// Seconds or a date. `Headers.parseRetryAfter` does the same, but brings a calendar of 1.7 KB gzipped into every bundle.
const retryAfter = (headers: Headers): Effect.Effect<number | undefined> => {
  const value = headers["retry-after"]?.trim() ?? ""
  if (/^\d+$/.test(value)) return Effect.succeed(Number(value) * 1_000)
  const date = Date.parse(/^\w{3,9}, /.test(value) ? value : "")
  return Number.isNaN(date)
    ? Effect.succeed(undefined)
    : Effect.map(Clock.currentTimeMillis, (now) => Math.max(0, date - now))
}

const late = (timeout: number) => new TimedOut({ during: "answer", limit: Math.round(timeout) })

const failure = (error: HttpClientError | TooLarge, status: number, timeout: number): Failure => {
  if (error._tag === "TooLarge") {
    return { reason: new UnreadableAnswer({ found: "too large", status, size: error.size }), phase: "lost" }
  }
  if (error._tag === "HttpClientError" && error.reason._tag === "InvalidUrlError") {
    return {
      reason: new InvalidConfig({
        setting: "baseUrl",
        problem: { en: "must be an address, as https://api.q.qq.com", zh: "必须是网址，如 https://api.q.qq.com" }
      }),
      phase: "answered"
    }
  }
  const { phase, problem } = phaseOf(error)
  return {
    reason: phase === "lost" && problem === "ETIMEDOUT" ? late(timeout) : new ConnectionFailed({ problem }),
    phase,
    connectTimedOut: phase === "unsent" && /timed?out/i.test(problem)
  }
}

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

const always = () => true

/** An exchange over an HTTP client. It holds no state. */
export const make =
  (http: HttpClient.HttpClient, baseUrl: string): Exchange =>
  (endpoint, options) =>
    Effect.suspend(() => {
      // 0 until there is an answer
      let status = 0
      return build(endpoint, { ...options, baseUrl }).pipe(
        Effect.flatMap((request) => http.execute(request)),
        Effect.flatMap((response) => {
          status = response.status
          return Effect.zipWith(
            collect(response, endpoint.image ? maxImage : maxJson),
            retryAfter(response.headers),
            (bytes, wait): Answer => ({ status: response.status, bytes, wait })
          )
        }),
        // nothing goes to QQ but the call, so no trace headers; and a span of the URL would add nothing to the call's own
        Effect.provideService(HttpClient.TracerDisabledWhen, always),
        Effect.provideService(AttemptTimeout, options.timeout),
        Effect.provideService(AtMostOnce, endpoint.delivery !== "repeatable"),
        Effect.mapError((error) => failure(error, status, options.timeout)),
        // an HTTP layer that throws is a lost connection; what it threw may hold the URL, and so the secret
        Effect.catchDefect((defect) =>
          Effect.fail<Failure>({ reason: new ConnectionFailed({ problem: phaseOf(defect).problem }), phase: "lost" })
        ),
        Effect.timeoutOrElse({
          duration: options.timeout,
          orElse: () => Effect.fail<Failure>({ reason: late(options.timeout), phase: "lost" })
        }),
        Effect.tap(({ bytes }) =>
          Effect.map(OnAnswer, (onAnswer) => {
            const json = onAnswer === undefined ? undefined : jsonOf(bytes)
            if (json !== undefined) onAnswer!(endpoint, json)
          })
        ),
        Effect.flatMap((answer) =>
          Effect.fromResult(read(endpoint, answer, secretsOf(endpoint, options.wire, options.authority)))
        )
      )
    })
