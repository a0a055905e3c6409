/** Observes tokens and their store. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { monotonicMillis } from "../internal/time.ts"
import type { TokenEvent } from "../token/events.ts"
import type { Wanted } from "../token/token.ts"
import { type Meter, metrics } from "./metrics.ts"
import type { Observers } from "./observe.ts"
import { annotate, CallRecord, CurrentCall, inSpan, resultOf } from "./record.ts"

/** When the tokens in use were fetched, by appid. */
export class TokenAges {
  readonly #born = new Map<string, number>()

  set(appid: string, born: number): void {
    this.#born.set(appid, born)
  }

  /** The age in milliseconds. */
  get(appid: string, now: number): number | undefined {
    const born = this.#born.get(appid)
    return born === undefined ? undefined : now - born
  }
}

/** Why a token is fetched. */
const causeOf = (wanted: Wanted): string => {
  switch (wanted._tag) {
    case "Any":
      return "missing"
    case "Fresh":
      return "forced"
    case "Instead":
      return wanted.refused ? "refused" : "renewal"
  }
}

const recordEvent = (event: TokenEvent, meter: Meter | undefined, ages: TokenAges): Effect.Effect<void> =>
  Effect.map(monotonicMillis, (now) => {
    switch (event._tag) {
      case "Fetched":
      case "Renewed":
        return ages.set(event.appid, now)
      case "Invalidated":
        return meter?.update(metrics.invalidated, 1, { "qq.app": event.appid })
      case "Contested":
        return meter?.update(metrics.contested, 1, { "qq.app": event.appid })
      default:
    }
  })

/** The functions that observe tokens. */
export const make = (
  meter: Meter | undefined,
  ages: TokenAges
): Observers<"store" | "obtain" | "flights" | "listeners"> => ({
  obtain: (obtain) => (program, wanted) =>
    Effect.withFiber((fiber) => {
      const { appid } = program.app
      const cause = causeOf(wanted)
      // A call of its own: the fetch belongs to all callers that wait for it.
      const record = new CallRecord("auth.getAccessToken", fiber.getRef(Clock.Clock))
      record.appid = appid
      return inSpan("QQMini.AccessToken.fetch", { root: true }, (span) =>
        Effect.onExit(Effect.provideService(obtain(program, wanted), CurrentCall, record), (exit) =>
          Effect.sync(() => {
            const { failure, result } = resultOf(exit)
            const name = failure?._tag ?? result
            const isFromStore = exit._tag === "Success" && !exit.value.fresh
            annotate(span, {
              "qq.app": appid,
              "qq.token.cause": cause,
              "qq.token_source": exit._tag === "Success" ? (isFromStore ? "store" : "fetched") : undefined,
              "qq.attempt": record.attempts,
              "error.type": exit._tag === "Success" ? undefined : name
            })
            if (isFromStore) {
              meter?.update(metrics.leaseWait, (record.now - record.began) / 1_000, { "qq.app": appid })
            } else {
              meter?.update(metrics.fetches, 1, { "qq.app": appid, "qq.token.cause": cause, "qq.result": name })
            }
          })
        )
      )
    }),

  flights: (flights) => ({
    join: (program, wanted) => flights.join(program, wanted),
    wait: (program, wanted, within) =>
      Effect.withFiber((fiber) => {
        const record = fiber.getRef(CurrentCall)
        const waiting = flights.wait(program, wanted, within)
        if (record === undefined) return waiting
        record.appid = program.app.appid
        return Effect.map(waiting, (fetched) => {
          record.tokenSource = fetched.fresh ? "fetched" : "store"
          return fetched
        })
      })
  }),

  store: (store) => {
    if (meter === undefined) return store
    const counted = <A, E>(operation: string, effect: Effect.Effect<A, E>): Effect.Effect<A, E> =>
      Effect.tapError(effect, () =>
        Effect.sync(() => meter.update(metrics.storeErrors, 1, { "qq.store": "token", "qq.operation": operation }))
      )
    return {
      ...store,
      read: (key) =>
        Effect.flatMap(counted("read", store.read(key)), (slot) =>
          Effect.map(monotonicMillis, (now) => {
            if (slot.token !== undefined) ages.set(key.split(":", 1)[0]!, now - (slot.lifetime - slot.expiresIn))
            return slot
          })
        ),
      lease: (key, options) => counted("lease", store.lease(key, options)),
      write: (key, options) => counted("write", store.write(key, options)),
      remove: (key, options) => counted("remove", store.remove(key, options))
    }
  },

  listeners: (listeners) => {
    const publish = listeners.publish.bind(listeners)
    return Object.assign(listeners, {
      publish: (event: TokenEvent) => Effect.andThen(recordEvent(event, meter, ages), publish(event))
    })
  }
})
