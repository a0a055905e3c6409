/** What is signed: secrets and parameters, checked and as text. */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { QQError } from "../reason/error.ts"
import { InvalidInput } from "../reason/input.ts"
import type { Help } from "./reason.ts"

/** A secret, plain or redacted. */
export type Secret = string | Redacted.Redacted<string>

/** The value of a signed parameter. A redacted text is signed as the plain one. */
export type Value = string | number | bigint | Redacted.Redacted<string> | null | undefined

/** Signed parameters: an object, or the pairs of a form, such as `URLSearchParams`. */
export type Parameters = Readonly<Record<string, Value>> | Iterable<readonly [string, string]>

/**
 * How the values of parameters are encoded. `component` is `encodeURIComponent`. `form` is the encoding of HTML forms
 * (`URLSearchParams`), which is different for blanks (`+`) and for `!'()~`.
 */
export type Encoding = "component" | "form"

/** The error of an argument. */
export const invalid = (call: string, field: string, problem: Help): QQError =>
  new QQError({ endpoint: call, app: undefined, reason: new InvalidInput({ field, problem }) })

const aSecret: Help = { en: "must be a string that is not empty", zh: "必须是非空字符串" }
const aSessionKey: Help = {
  en: `${aSecret.en}, as auth.code2Session gives it with needKey: true`,
  zh: `${aSecret.zh}，可通过 auth.code2Session 并传入 needKey: true 取得`
}

const plainOf = (value: unknown): unknown => (Redacted.isRedacted(value) ? Redacted.value(value) : value)

/** The plain text of a secret. It must not be empty. */
export const plain = (call: string, field: string, secret: Secret): Effect.Effect<string, QQError> => {
  const text = plainOf(secret)
  return typeof text === "string" && text !== ""
    ? Effect.succeed(text)
    : Effect.fail(invalid(call, field, field === "session_key" ? aSessionKey : aSecret))
}

/** Fails unless the argument is a string. */
export const checkText = (call: string, field: string, text: unknown): Effect.Effect<void, QQError> =>
  typeof text === "string"
    ? Effect.void
    : Effect.fail(invalid(call, field, { en: "must be a string", zh: "必须是字符串" }))

/** Fails unless the argument is a path. */
export const checkPath = (call: string, path: unknown): Effect.Effect<void, QQError> =>
  typeof path === "string" && path.startsWith("/")
    ? Effect.void
    : Effect.fail(
        invalid(call, "path", {
          en: "must be a path that begins with /, without the host",
          zh: "必须是以 / 开头的路径，不含域名"
        })
      )

// `encodeURIComponent` throws for a lone surrogate, which UTF-8 can't encode.
const component = (text: string): string => encodeURIComponent(text.replace(/\p{Surrogate}/gu, "\ufffd"))

/** The encodings of values. */
export const encoders: Readonly<Record<Encoding, (text: string) => string>> = {
  component,
  form: (text) =>
    component(text)
      .replace(/[!'()~]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
      .replace(/%20/g, "+")
}

/** Parameters as text, sorted by name. */
export type Pairs = ReadonlyArray<readonly [name: string, text: string]>

/** The parameters that are there. Fails for a value that is neither a string nor a number. */
export const pairsOf = (call: string, parameters: Parameters): Effect.Effect<Pairs, QQError> => {
  if (typeof parameters !== "object" || parameters === null) {
    return Effect.fail(invalid(call, "parameters", { en: "must be an object", zh: "必须是对象" }))
  }
  const all: Iterable<readonly [string, unknown]> =
    Symbol.iterator in parameters ? (parameters as Iterable<readonly [string, string]>) : Object.entries(parameters)
  const pairs: Array<readonly [string, string]> = []
  for (const [name, given] of all) {
    const value = plainOf(given)
    if (value === undefined || value === null) continue
    if (typeof value !== "string" && typeof value !== "number" && typeof value !== "bigint") {
      return Effect.fail(invalid(call, name, { en: "must be a string or a number", zh: "必须是字符串或数字" }))
    }
    pairs.push([name, String(value)])
  }
  return Effect.succeed(pairs.sort(([one], [other]) => (one < other ? -1 : one > other ? 1 : 0)))
}
