/** Admission control: each request needs a place in QQ's quota, and one of the slots for requests in flight. */
import * as Effect from "effect/Effect"
import type { Any } from "../endpoint/definition.ts"
import { type CountedCall, isEnforced } from "../Limit.ts"
import type { Quota } from "../Quota.ts"
import { TooFrequent } from "../reason/answered.ts"
import { QuotaReached, TimedOut } from "../reason/client.ts"
import { answered, type Failure } from "../Retry.ts"
import { withPlace } from "./place.ts"
import type { Call } from "./progress.ts"
import { Turns } from "./turns.ts"

// After its caller gave up, a request may still reach QQ for this long (ms).
const lateMillis = 10_000
// The shortest pause between two log messages about the same full quota (ms).
const logAgainMillis = 10_000
const noLimits: CountedCall["limits"] = []

/** The key and the limits under which the limiter counts an endpoint's calls for a program. */
export const countedCallOf = ({ name, quota = noLimits }: Any, appid: string | undefined): CountedCall => ({
  key: `${appid ?? ""} ${name}`,
  limits: quota
})

const phase = ({ phase }: Failure) => phase

/** Fails a call whose deadline has passed before anything was sent. */
export const tooLate = ({ options }: Call): Effect.Effect<never, Failure> =>
  Effect.fail(answered(new TimedOut({ during: "queue", limit: options.deadline })))

/** The admission control of one client. */
export class Admission {
  readonly #quota: Quota["Service"]
  readonly #turns: Turns
  /** The time of the last log message about a full quota, by its key. */
  readonly #loggedAt = new Map<string, number>()
  /** QQ's last refusal because of a quota, by its key. */
  readonly #refusals = new Map<string, QuotaReached | TooFrequent>()

  constructor(quota: Quota["Service"], maxInFlight: number) {
    this.#quota = quota
    this.#turns = new Turns(maxInFlight)
  }

  /** Whether there is a place right now. `true` if the limiter fails. */
  hasPlace(counted: CountedCall): Effect.Effect<boolean> {
    if (!isEnforced(counted)) return Effect.succeed(true)
    return Effect.orElseSucceed(
      Effect.map(this.#quota.remaining(counted), (remaining) => remaining > 0),
      () => true
    )
  }

  /**
   * Runs a request when it has a place and its turn. D3: it waits for its turn at most until the deadline. D2: from its
   * turn on, only its own timeout ends it. So a request in flight is never reported as unsent.
   */
  run(call: Call, counted: CountedCall, request: Effect.Effect<unknown, Failure>): Effect.Effect<unknown, Failure> {
    const inTurn = <A>(effect: Effect.Effect<A, Failure>): Effect.Effect<A, Failure> =>
      this.#turns.run(effect, (wait) =>
        Effect.timeoutOrElse(wait, { duration: call.millisLeft, orElse: () => tooLate(call) })
      )
    if (!isEnforced(counted)) return inTurn(request)
    const place = withPlace(
      this.#quota,
      counted,
      {
        maxWait: () => (call.options.waitForQuota ? call.millisLeft : 0),
        ttl: () => call.millisLeft + lateMillis,
        phase,
        onWait: (millis) => this.#log(call, counted, millis)
      },
      inTurn,
      Effect.catch(request, (failure) => this.#closeIfRefused(counted, failure))
    )
    return Effect.catch(place, (error) =>
      error instanceof QuotaReached ? this.#refused(counted, error) : Effect.fail(error)
    )
  }

  /** The failure of a call without a place. If the quota is full because QQ said so, it carries QQ's code and text. */
  #refused(counted: CountedCall, full: QuotaReached): Effect.Effect<never, Failure> {
    return Effect.flatMap(this.#quota.isClosed(counted), (isClosed) => {
      const said = isClosed ? this.#refusals.get(counted.key) : undefined
      if (said === undefined) return Effect.fail(answered(full))
      const { code, meaning, text } = said
      const Reason = said._tag === "TooFrequent" ? TooFrequent : QuotaReached
      const { wait } = full
      const fields = Object.entries({ code, text, meaning, wait }).filter(([, value]) => value !== undefined)
      return Effect.fail(answered(new Reason(Object.fromEntries(fields) as never)))
    })
  }

  /** If QQ refuses a call because of its quota, QQ's count replaces ours. A refusal of one user is none of the call. */
  #closeIfRefused(counted: CountedCall, failure: Failure): Effect.Effect<never, Failure> {
    const { ofUser, phase, reason } = failure
    // If a token fetch was refused, this says nothing about the quota of this call.
    const isTooMuch = phase === "answered" && (reason._tag === "QuotaReached" || reason._tag === "TooFrequent")
    if (!isTooMuch || ofUser) return Effect.fail(failure)
    this.#refusals.set(counted.key, reason)
    const later: Failure = { ...failure, repeat: "by-delivery" }
    return Effect.andThen(Effect.ignore(this.#quota.close(counted)), Effect.fail(later))
  }

  /** Q2: logs that calls are waiting. */
  #log(call: Call, { key }: CountedCall, millis: number): Effect.Effect<void> {
    const { now } = call.progress
    if (millis < 1_000 || now - (this.#loggedAt.get(key) ?? -Infinity) < logAgainMillis) return Effect.void
    this.#loggedAt.set(key, now)
    return Effect.logInfo(`QQ's quota of ${key} is full: waiting ${Math.ceil(millis / 1_000)} s for a place`)
  }
}
