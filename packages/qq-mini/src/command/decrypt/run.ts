/** What `qq-mini decrypt` does. */
import * as UserData from "@qq-mini/core/UserData"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { isObject } from "effect/Predicate"
import type * as Redacted from "effect/Redacted"
import { appidOf } from "../frame/client.ts"
import { wrongUsage } from "../frame/exit.ts"
import { jsonOf, secretOf, stdin } from "../frame/input.ts"
import { both } from "../frame/invocation.ts"
import { print } from "../frame/output.ts"
import * as Settings from "../frame/Settings.ts"

const names = ["encryptedData", "iv", "rawData", "signature", "appid", "session_key"] as const

type Fields = { readonly [Name in (typeof names)[number]]?: string | undefined }

const readFields = Effect.gen(function* () {
  const value = yield* jsonOf(yield* stdin)
  const wrong = isObject(value)
    ? names.find((name) => Reflect.has(value, name) && typeof Reflect.get(value, name) !== "string")
    : "-"
  if (wrong !== undefined) {
    return yield* wrongUsage(both(`${wrong} must be text in a JSON object.`, `${wrong} 必须是 JSON 对象中的字符串。`))
  }
  return value as Fields
})

type Text = Option.Option<string>

/** Runs the command. */
export const run = Effect.fnUntraced(function* (flags: {
  readonly input: Text
  readonly encryptedData: Text
  readonly iv: Text
  readonly session_key: Option.Option<Redacted.Redacted<string>>
  readonly rawData: Text
  readonly signature: Text
}) {
  const settings = yield* Settings.readAny
  const fields: Fields = Option.isSome(flags.input) ? yield* readFields : {}
  const value = (name: "encryptedData" | "iv" | "rawData" | "signature") =>
    Option.getOrElse(flags[name], () => fields[name])
  const data = yield* UserData.decrypt({
    encryptedData: value("encryptedData") ?? "",
    iv: value("iv") ?? "",
    rawData: value("rawData"),
    signature: value("signature"),
    session_key: fields.session_key ?? (yield* secretOf(flags.session_key, "session-key", "QQ_SESSION_KEY")),
    appid: fields.appid ?? (yield* appidOf(settings))
  })
  yield* print(data, JSON.stringify(data, undefined, 2))
})
