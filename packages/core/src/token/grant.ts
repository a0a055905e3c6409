/** Asking QQ for a token. */
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
  /** Milliseconds that it is good for, counted from `asked`. */
  readonly lifetime: number
  /** The monotonic time before the request was sent, so that a token is never used longer than it is good. */
  readonly asked: number
}

/**
 * Asks QQ, and repeats what may be repeated while `stillMine` says that it is this holder's business; `undefined` when it is
 * not any more. `onLost` is called when a request got lost, since QQ may have made a token for it.
 */
export type Ask = (
  app: AppCredentials,
  stillMine: Effect.Effect<boolean>,
  onLost?: () => void
) => Effect.Effect<Grant | undefined, Reason>

/** Makes that over attempts. No token is used longer than `maxLifetime` milliseconds. */
export const make = (send: Attempt, settings: Settings, maxLifetime = Infinity): Ask => {
  const parameters = encode(Auth.getAccessToken, {})
  return Effect.fnUntraced(function* (app, stillMine, onLost) {
    const { wire } = yield* Effect.fromResult(parameters)
    const deadline = (yield* monotonicMillis) + settings.deadline
    const attempt = Effect.gen(function* () {
      // T1: callers that started in the same turn of the event loop run first. They may take longer than the lease, and
      // then the request would reach QQ beside another holder's.
      yield* Effect.yieldNow
      if (!(yield* stillMine)) return undefined
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
