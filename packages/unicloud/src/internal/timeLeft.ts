/** The time that a cloud function still has, and calls that keep to it. */
import type { TransformClient } from "@qq-mini/core/adapter/Parts"
import { invalidConfig } from "@qq-mini/core/App"
import { QQError, TimedOut } from "@qq-mini/core/QQError"
import { QQMini } from "@qq-mini/core/QQMini"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"

/** Milliseconds that the cloud function still has. */
export type TimeLeft = () => number

// Kept for what the function does with the answer.
const spareMillis = 300

/** That a time is none. */
export const noTime = (): QQError =>
  invalidConfig(
    "timeLeft",
    "must be a function that gives the milliseconds that are left, as a number",
    "必须是返回剩余毫秒数（数字）的函数"
  )

/** The calls under way, by when each must have ended. */
export const underWay = () => {
  const ends = new Set<{ readonly at: number }>()
  return {
    /** Milliseconds until the last of them must have ended. */
    left: () => (ends.size === 0 ? Infinity : Math.max(...Array.from(ends, ({ at }) => at)) - performance.now()),
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

/** Milliseconds that a call may take. */
const timeOf = (timeLeft: TimeLeft | undefined): Effect.Effect<number, QQError> =>
  Effect.try({ try: () => timeLeft?.() ?? Infinity, catch: noTime }).pipe(
    Effect.flatMap((left) =>
      typeof left === "number" && !Number.isNaN(left) ? Effect.succeed(left - spareMillis) : Effect.fail(noTime())
    )
  )

/** D3: gives no call more time than the cloud function still has, and sends nothing where it has none. */
export const within =
  (usual: number, timeLeft: TimeLeft | undefined, during: ReturnType<typeof underWay>["during"]): TransformClient =>
  (client) =>
    QQMini.of({
      ...client,
      call: Effect.fnUntraced(function* (endpoint, input, options = {}) {
        const left = yield* timeOf(timeLeft)
        const asked = Duration.fromInput(options?.deadline ?? usual)
        // What is no time at all is the client's to refuse.
        if (Option.isNone(asked)) return yield* client.call(endpoint, input, options)
        const deadline = Math.min(Duration.toMillis(asked.value), left)
        if (left <= 0) {
          const reason = new TimedOut({ during: "queue", limit: 0 })
          return yield* new QQError({ endpoint: endpoint.endpoint, app: undefined, reason })
        }
        return yield* during(deadline, client.call(endpoint, input, { ...options, deadline }))
      })
    })
