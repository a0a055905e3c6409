/** Limits calls to the time that the cloud function has left. */
import type { TransformClient } from "@qq-mini/core/adapter/Parts"
import { invalidConfig } from "@qq-mini/core/App"
import { QQError, TimedOut } from "@qq-mini/core/QQError"
import { QQMini } from "@qq-mini/core/QQMini"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { isObject } from "effect/Predicate"

/** Returns the milliseconds that the cloud function has left. */
export type TimeLeft = () => number

// Reserved for the function's own work after the call.
const spareMillis = 300

/** The error of a `timeLeft` that is not a function or does not return a number. */
export const invalidTimeLeft = (): QQError =>
  invalidConfig(
    "timeLeft",
    "must be a function that gives the milliseconds that are left, as a number",
    "必须是返回剩余毫秒数（数字）的函数"
  )

/** Tracks the deadlines of the calls in flight. */
export const trackInFlight = () => {
  const ends = new Set<{ readonly at: number }>()
  return {
    /** Milliseconds until the last deadline of the calls in flight. `Infinity` without calls. */
    left: () => (ends.size === 0 ? Infinity : Math.max(...Array.from(ends, ({ at }) => at)) - performance.now()),
    /** Runs a call, and tracks its deadline in `millis` milliseconds. */
    during: <A, E, R>(millis: number, call: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
      Effect.suspend(() => {
        const end = { at: performance.now() + millis }
        ends.add(end)
        return Effect.ensuring(
          call,
          Effect.sync(() => ends.delete(end))
        )
      })
  }
}

/** The milliseconds that a call may take. `Infinity` if it is not known. */
export const timeOf = (timeLeft: TimeLeft | undefined): Effect.Effect<number, QQError> =>
  Effect.try({ try: () => timeLeft?.() ?? Infinity, catch: invalidTimeLeft }).pipe(
    Effect.flatMap((left) =>
      typeof left === "number" && !Number.isNaN(left)
        ? Effect.succeed(left - spareMillis)
        : Effect.fail(invalidTimeLeft())
    )
  )

/** D3: limits the deadline of each call to the time that the cloud function has left. Without time, nothing is sent. */
export const within =
  (
    usual: number,
    timeLeft: TimeLeft | undefined,
    during: ReturnType<typeof trackInFlight>["during"]
  ): TransformClient =>
  (client) =>
    QQMini.of({
      ...client,
      call: Effect.fnUntraced(function* (endpoint, input, options = {}) {
        const left = yield* timeOf(timeLeft)
        const asked = isObject(options as unknown) ? Duration.fromInput(options.deadline ?? usual) : Option.none()
        // The client refuses invalid options.
        if (Option.isNone(asked)) return yield* client.call(endpoint, input, options)
        const deadline = Math.min(Duration.toMillis(asked.value), left)
        if (left <= 0) {
          const reason = new TimedOut({ during: "queue", limit: 0 })
          return yield* new QQError({ endpoint: endpoint.name, app: undefined, reason })
        }
        return yield* during(deadline, client.call(endpoint, input, { ...options, deadline }))
      })
    })
