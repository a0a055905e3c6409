/** What `qq-mini sign` and `qq-mini verify` do. */
import { sameSecret } from "@qq-mini/core/adapter/secrets"
import * as Signature from "@qq-mini/core/Signature"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { isObject } from "effect/Predicate"
import type * as Redacted from "effect/Redacted"
import { credentialsOf } from "../frame/client.ts"
import { endWith, exitCodes, wrongUsage } from "../frame/exit.ts"
import { jsonOf, secretOf, textOrStdin } from "../frame/input.ts"
import { both, say } from "../frame/invocation.ts"
import { print, style } from "../frame/output.ts"
import * as Settings from "../frame/Settings.ts"
import type { kinds } from "./command.ts"

type Secret = Option.Option<Redacted.Redacted<string>>

interface Flags {
  readonly input: string
  readonly path: Option.Option<string>
  readonly session_key: Secret
}

/** The parameters of a JSON object, or of a form. */
const parametersOf = Effect.fnUntraced(function* (input: string) {
  const text = yield* textOrStdin(input)
  if (!text.trimStart().startsWith("{")) return new URLSearchParams(text)
  const value = yield* jsonOf(text)
  return isObject(value) ? (value as Readonly<Record<string, string>>) : {}
})

const sessionKeyOf = ({ session_key }: Flags) => secretOf(session_key, "session-key", "QQ_SESSION_KEY")

const appsecret = Effect.flatMap(Settings.read, (settings) =>
  Effect.map(credentialsOf(settings), ({ appsecret }) => appsecret)
)

const pathOf = ({ path }: Flags) => Option.getOrElse(path, () => "")

const signatureOf = Effect.fnUntraced(function* (
  kind: (typeof kinds)[number],
  flags: Flags,
  app_key: Secret = Option.none()
) {
  const path = pathOf(flags)
  switch (kind) {
    case "user-data":
      return yield* Signature.userData(yield* textOrStdin(flags.input), yield* sessionKeyOf(flags))
    case "login-state":
      return yield* Signature.loginState(yield* sessionKeyOf(flags), yield* textOrStdin(flags.input))
    case "game-pay":
      return yield* Signature.gamePay({
        path,
        parameters: yield* parametersOf(flags.input),
        session_key: yield* sessionKeyOf(flags)
      })
    case "pay-notification":
      return yield* Signature.payNotification({
        path,
        parameters: yield* parametersOf(flags.input),
        appsecret: yield* appsecret
      })
    case "midas":
      return yield* Signature.midas({
        path: path as Signature.MidasPath,
        parameters: yield* parametersOf(flags.input),
        app_key: yield* secretOf(app_key, "app-key", "QQ_APP_KEY")
      })
    case "midas-qq":
      return yield* Signature.midasQQ({
        path: path as Signature.MidasPath,
        parameters: yield* parametersOf(flags.input),
        session_key: yield* sessionKeyOf(flags)
      })
  }
})

/** Runs `sign`. */
export const sign = Effect.fnUntraced(function* (
  flags: Flags & { readonly kind: (typeof kinds)[number]; readonly app_key: Secret }
) {
  const signature = yield* signatureOf(flags.kind, flags, flags.app_key)
  yield* print({ signature }, signature)
})

/** Runs `verify`. */
export const verify = Effect.fnUntraced(function* (
  flags: Flags & {
    readonly kind: "user-data" | "login-state" | "pay-notification"
    readonly signature: Option.Option<string>
  }
) {
  const { kind } = flags
  let valid: boolean
  if (kind === "pay-notification") {
    const parameters = yield* parametersOf(flags.input)
    valid = yield* Signature.verifyPayNotification({ path: pathOf(flags), parameters, appsecret: yield* appsecret })
  } else {
    const given = Option.getOrUndefined(flags.signature)
    if (given === undefined) return yield* wrongUsage(both("--signature is missing.", "缺少 --signature。"))
    valid = sameSecret(yield* signatureOf(kind, flags), given)
  }
  yield* print(
    { valid },
    valid
      ? style("green", say(both("The signature is right.", "签名正确。")))
      : style("red", say(both("The signature does not fit.", "签名不符。")))
  )
  if (!valid) yield* endWith(exitCodes.no)
})
