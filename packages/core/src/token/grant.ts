/** Fetches a token from QQ. */
import * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import type { AppCredentials } from "../App.ts"
import * as Auth from "../Auth.ts"
import type { Attempt } from "../call/attempt.ts"
import { encode } from "../call/encode.ts"
import type { Settings } from "../internal/settings.ts"
import { monotonicMillis } from "../internal/time.ts"
import type { Reason } from "../reason/client.ts"
import * as Retry from "../Retry.ts"

/** A getToken answer. */
export interface Grant {
  readonly value: Redacted.Redacted<string>
  /** How long the token is valid from `asked` on, in milliseconds. */
  readonly lifetime: number
  /** The monotonic time before the request was sent. Counting from here, a token is never used after it expired. */
  readonly asked: number
}

/**
 * Fetches a token from QQ, with retries, as long as `holdsLease` says that this holder has the lease. Returns
 * `undefined` if it does not. `onLost` is called when a request got lost, because QQ may have issued a token for it.
 */
export type FetchToken = (
  app: AppCredentials,
  holdsLease: Effect.Effect<boolean>,
  onLost?: () => void
) => Effect.Effect<Grant | undefined, Reason>

/** Makes the fetch from an attempt function. No token is used longer than `maxLifetime` milliseconds. */
export const make = (send: Attempt, settings: Settings, maxLifetime = Infinity): FetchToken => {
  const parameters = encode(Auth.getAccessToken, {})
  return Effect.fnUntraced(function* (app, holdsLease, onLost) {
    const { wire } = yield* Effect.fromResult(parameters)
    const deadline = (yield* monotonicMillis) + settings.deadline
    const attempt = Effect.gen(function* () {
      // T1: let the callers run first that started in the same turn of the event loop. If they took longer than the
      // lease after the check, the request would reach QQ in addition to another holder's.
      yield* Effect.yieldNow
      if (!(yield* holdsLease)) return undefined
      const asked = yield* monotonicMillis
      const timeout = Math.max(1, Math.min(settings.attemptTimeout, deadline - asked))
      const { access_token, expires_in } = yield* send(Auth.getAccessToken, {
        wire,
        appid: app.appid,
        proof: app,
        timeout
      })
      return { value: access_token, lifetime: Math.min(expires_in * 1_000, maxLifetime), asked }
    })
    return yield* Retry.run(
      Effect.tapError(attempt, ({ phase }) => Effect.sync(() => phase === "lost" && onLost?.())),
      { delivery: Auth.getAccessToken.delivery, deadline, policy: settings.retry }
    )
  })
}
