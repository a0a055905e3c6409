import * as App from "@qq-mini/core/App"
import * as Redacted from "effect/Redacted"
import { maskText } from "../internal/mask.ts"
import { defaultOffer, type Program } from "../internal/program.ts"

/** Masks the secrets of these programs in a text, wherever they are, and all that looks like a token. */
export const masker = (programs: ReadonlyArray<Program>): ((text: string) => string) => {
  const secrets = programs.flatMap(({ appsecret, notify, offer = defaultOffer }) => [
    Redacted.value(App.redact(appsecret)),
    offer.app_key,
    ...(notify?.appsecret === undefined ? [] : [notify.appsecret])
  ])
  // In JSON and in URLs they look otherwise.
  const shapes = secrets.flatMap((secret) => [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret)])
  const all = [...new Set(shapes)].toSorted((one, other) => other.length - one.length)
  return (text) => maskText(all.reduce((masked, secret) => masked.replaceAll(secret, "•••"), text))
}
