/** The token of a call, and another one when QQ refuses it. */
import * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import type { AccessToken, Token } from "../AccessToken.ts"
import type { AppCredentials } from "../App.ts"
import type { Counted } from "../Limit.ts"
import type { Reason } from "../reason/client.ts"
import type { Failure } from "../Retry.ts"
import type { Admission } from "./admission.ts"
import type { Call } from "./progress.ts"

// A call without a token was not sent, and the fetch has repeated already what may be repeated.
const withoutToken = (reason: Reason): Failure => ({ reason, phase: "unsent", repeat: "never" })

/** Sends a call's request with a token, when it is admitted. */
export const make = (
  tokens: AccessToken["Service"],
  admission: Admission,
  send: (call: Call, token: Redacted.Redacted<string>) => Effect.Effect<unknown, Failure>
) => {
  const sendWith = (
    call: Call,
    counted: Counted,
    app: AppCredentials,
    token: Effect.Effect<Token, Failure>
  ): Effect.Effect<unknown, Failure> => {
    let used: Token | undefined
    const request = Effect.flatMap(token, (token) => {
      used = token
      return send(call, token.value)
    })
    // T4
    return Effect.catch(admission.run(call, counted, request), (failure) => {
      if (failure.reason._tag !== "InvalidToken" || call.renewals <= 0 || used === undefined)
        return Effect.fail(failure)
      const renewed = Effect.mapError(tokens.renew(app, used, call.left), withoutToken)
      return Effect.logDebug(`${call.endpoint.endpoint}: renewing the access token`).pipe(
        Effect.andThen(renewed),
        Effect.flatMap(({ fresh, token }) => {
          call.renewals = fresh ? 0 : call.renewals - 1
          return sendWith(call, counted, app, Effect.succeed(token))
        })
      )
    })
  }

  return (call: Call, counted: Counted, app: AppCredentials): Effect.Effect<unknown, Failure> =>
    Effect.flatMap(tokens.isWarm(app), (isWarm) => {
      const token = Effect.suspend(() => Effect.mapError(tokens.get(app, call.left), withoutToken))
      if (isWarm) return sendWith(call, counted, app, token)
      // A call without a place costs no getToken. Where there are places, the token comes before the turn, so that those
      // who wait for it hold up no call of another program.
      return Effect.flatMap(admission.hasPlace(counted), (hasPlace) =>
        hasPlace
          ? Effect.flatMap(token, (token) => sendWith(call, counted, app, Effect.succeed(token)))
          : sendWith(call, counted, app, token)
      )
    })
}
