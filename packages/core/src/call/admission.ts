/** When a request may go: a turn, a place in QQ's quota, and QQ's own word when it counts otherwise. */
import * as Effect from "effect/Effect"
import type { Any } from "../endpoint/definition.ts"
import { type Counted, isKept } from "../Limit.ts"
import type { Quota } from "../Quota.ts"
import { QuotaReached, TimedOut } from "../reason/client.ts"
import { answered, type Failure } from "../Retry.ts"
import { withPlace } from "./place.ts"
import type { Call } from "./progress.ts"
import { Turns } from "./turns.ts"

// A request whose answer nobody waits for any more reaches QQ within this time, if ever (ms).
const lateMillis = 10_000
// How often the log says that calls of one kind wait for their quota (ms).
const sayAgainMillis = 10_000
const noLimits: Counted["limits"] = []

/** What the limiter counts of an endpoint's calls for a program. */
export const countedOf = ({ endpoint, quota = noLimits }: Any, appid: string | undefined): Counted => ({
  key: `${appid ?? ""} ${endpoint}`,
  limits: quota
})

const phase = ({ phase }: Failure) => phase

const orAnswered = (error: Failure | QuotaReached): Failure => (error instanceof QuotaReached ? answered(error) : error)

/** A call whose time is over before anything was sent. */
export const tooLate = ({ options }: Call): Effect.Effect<never, Failure> =>
  Effect.fail(answered(new TimedOut({ during: "queue", limit: options.deadline })))

/** Lets requests go when they may. */
export class Admission {
  readonly #quota: Quota["Service"]
  readonly #turns: Turns
  /** When the log said last that calls of a kind wait. */
  readonly #said = new Map<string, number>()

  constructor(quota: Quota["Service"], maxInFlight: number) {
    this.#quota = quota
    this.#turns = new Turns(maxInFlight)
  }

  /** Whether there is a place right now. A limiter that fails keeps nobody. */
  hasPlace(counted: Counted): Effect.Effect<boolean> {
    return Effect.orElseSucceed(
      Effect.map(this.#quota.left(counted), (left) => left > 0),
      () => true
    )
  }

  /**
   * Runs a request in its place and turn. D3: it waits for its turn no longer than the deadline. D2: once it
   * has its turn only its own timeout ends it, so that a request on its way is never taken for one that was not sent.
   */
  run(call: Call, counted: Counted, request: Effect.Effect<unknown, Failure>): Effect.Effect<unknown, Failure> {
    const inTurn = <A>(effect: Effect.Effect<A, Failure>): Effect.Effect<A, Failure> =>
      this.#turns.run(effect, (wait) =>
        Effect.timeoutOrElse(wait, { duration: call.left, orElse: () => tooLate(call) })
      )
    if (!isKept(counted)) return inTurn(request)
    const place = withPlace(
      this.#quota,
      counted,
      {
        maxWait: () => (call.options.waitForQuota ? call.left : 0),
        hold: () => call.left + lateMillis,
        phase,
        onWait: (millis) => this.#say(call, counted, millis)
      },
      inTurn,
      Effect.catch(request, (failure) => this.#believe(counted, failure))
    )
    return Effect.mapError(place, orAnswered)
  }

  /** Where QQ counts otherwise than we do, its word goes. */
  #believe(counted: Counted, failure: Failure): Effect.Effect<never, Failure> {
    const { phase, reason } = failure
    // The refusal of a token's fetch says nothing about this call.
    const isTooMuch = phase === "answered" && (reason._tag === "QuotaReached" || reason._tag === "TooFrequent")
    if (!isTooMuch) return Effect.fail(failure)
    const later: Failure = { ...failure, repeat: "by-delivery" }
    return Effect.andThen(Effect.ignore(this.#quota.refused(counted)), Effect.fail(later))
  }

  /** Q2: the log shows that calls wait. */
  #say(call: Call, { key }: Counted, millis: number): Effect.Effect<void> {
    const { now } = call.progress
    if (millis < 1_000 || now - (this.#said.get(key) ?? -Infinity) < sayAgainMillis) return Effect.void
    this.#said.set(key, now)
    return Effect.logInfo(`QQ's quota of ${key} is full: waiting ${Math.ceil(millis / 1_000)} s for a place`)
  }
}
