/** Sends a call with a token, and with a new token if QQ refuses the first one. */
import * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import type { AccessToken, Token } from "../AccessToken.ts"
import type { AppCredentials } from "../App.ts"
import type { CountedCall } from "../Limit.ts"
import type { Reason } from "../reason/client.ts"
import type { Failure } from "../Retry.ts"
import type { Admission } from "./admission.ts"
import type { Call } from "./progress.ts"

// Without a token nothing was sent. The token fetch has its own retries.
const withoutToken = (reason: Reason): Failure => ({ reason, phase: "unsent", repeat: "never" })

/** Makes the function that sends an admitted call with a token. */
export const make = (
  tokens: AccessToken["Service"],
  admission: Pick<Admission, "run" | "hasPlace">,
  send: (call: Call, token: Redacted.Redacted<string>) => Effect.Effect<unknown, Failure>
) => {
  const renew = (call: Call, app: AppCredentials, refused: Token) =>
    Effect.mapError(tokens.renew(app, refused, call.millisLeft, call.refused), withoutToken)

  const sendWith = (
    call: Call,
    counted: CountedCall,
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
      call.refused = [...call.refused, used]
      const renewed = renew(call, app, used)
      return Effect.logDebug(`${call.endpoint.name}: renewing the access token`).pipe(
        Effect.andThen(renewed),
        Effect.flatMap(({ fresh, token }) => {
          call.renewals = fresh ? 0 : call.renewals - 1
          return sendWith(call, counted, app, Effect.succeed(token))
        })
      )
    })
  }

  return (call: Call, counted: CountedCall, app: AppCredentials): Effect.Effect<unknown, Failure> =>
    Effect.flatMap(tokens.isWarm(app), (isWarm) => {
      const refused = call.refused[call.refused.length - 1]
      const token = Effect.suspend(() =>
        refused === undefined
          ? Effect.mapError(tokens.get(app, call.millisLeft), withoutToken)
          : Effect.map(renew(call, app, refused), ({ token }) => token)
      )
      if (isWarm) return sendWith(call, counted, app, token)
      // If the quota is full, wait for a place first: a call that is not sent must not cost a getToken. If there is a
      // place, get the token before the call's turn, so that waiting for the token blocks no calls of other programs.
      return Effect.flatMap(admission.hasPlace(counted), (hasPlace) =>
        hasPlace
          ? Effect.flatMap(token, (token) => sendWith(call, counted, app, Effect.succeed(token)))
          : sendWith(call, counted, app, token)
      )
    })
}
