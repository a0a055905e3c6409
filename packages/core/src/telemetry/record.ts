/** What is remembered of a call and of an attempt until they end. */
import type * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Cause from "effect/Cause"
import type * as Fiber from "effect/Fiber"
import * as Tracer from "effect/Tracer"
import { millisOf } from "../internal/time.ts"
import type { Reason } from "../reason/client.ts"
import type { Request } from "../transport/types.ts"

/** Where the token of a call came from. */
export type TokenSource = "memory" | "store" | "fetched" | "caller"

/** A call, or a fetch of a token. */
export class CallRecord {
  readonly endpoint: string
  readonly #clock: Clock.Clock
  readonly began: number
  appid: string | undefined
  attempts = 0
  /** How many of the attempts repeat one that failed. */
  resends = 0
  /** Milliseconds that were spent waiting for a place in QQ's quota and for a turn. */
  waited = 0
  tokenSource: TokenSource | undefined
  /** The last failure, until an attempt succeeds. */
  failure: { readonly reason: Reason; readonly at: number } | undefined
  /** Since when the call waits for a place in the quota. */
  queuedAt: number | undefined

  constructor(endpoint: string, clock: Clock.Clock) {
    this.endpoint = endpoint
    this.#clock = clock
    this.began = this.now
  }

  /** Monotonic milliseconds. */
  get now(): number {
    return millisOf(this.#clock)
  }
}

/** An attempt of a call. */
export interface AttemptRecord {
  readonly call: CallRecord
  readonly attempt: number
  readonly began: number
  readonly span: Tracer.Span | undefined
  request: Request | undefined
  status: number | undefined
}

/** The call that a fiber makes, if it is observed. */
export const CurrentCall = Context.Reference<CallRecord | undefined>("@qq-mini/core/Telemetry/Call", {
  defaultValue: () => undefined
})

/** The attempt that a fiber makes, if it is observed. */
export const CurrentAttempt = Context.Reference<AttemptRecord | undefined>("@qq-mini/core/Telemetry/Attempt", {
  defaultValue: () => undefined
})

/** Whether spans reach somebody. */
export const isTraced = (fiber: Fiber.Fiber<unknown, unknown>): boolean =>
  fiber.getRef(Tracer.Tracer) !== Tracer.nativeTracer

/** How an effect ended: `ok`, `failed`, `interrupted` or `defect`, and the failure. */
export const resultOf = <E>(
  exit: Exit.Exit<unknown, E>
): { readonly result: string; readonly failure: E | undefined } => {
  if (exit._tag === "Success") return { result: "ok", failure: undefined }
  const found = Cause.findFail(exit.cause)
  if (found._tag === "Success") return { result: "failed", failure: found.success.error }
  return { result: Cause.hasInterruptsOnly(exit.cause) ? "interrupted" : "defect", failure: undefined }
}

/** Sets the attributes of a span that have a value. */
export const annotate = (span: Tracer.Span, attributes: Readonly<Record<string, unknown>>): void => {
  for (const [name, value] of Object.entries(attributes)) if (value !== undefined) span.attribute(name, value)
}

/** Runs an effect as a span. S1: the span never sees the result of the effect, only its failure. */
export const inSpan = <A, E, R>(
  name: string,
  options: Tracer.SpanOptionsNoTrace,
  run: (span: Tracer.Span) => Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> =>
  Effect.suspend(() => {
    let result: A
    return Effect.useSpan(name, options, (span) =>
      Effect.map(Effect.withParentSpan(run(span), span) as Effect.Effect<A, E, R>, (value) => void (result = value))
    ).pipe(Effect.map(() => result))
  })
