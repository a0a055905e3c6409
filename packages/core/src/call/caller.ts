/** The program of a call, and its proof: the token or the credentials that authorise it. */
import * as Effect from "effect/Effect"
import { isObject } from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as App from "../App.ts"
import * as Auth from "../Auth.ts"
import { type Any, credentialNames } from "../endpoint/definition.ts"
import { misnamedIn, programNames, unknownNames } from "../internal/names.ts"
import { notAnObject } from "../internal/problem.ts"
import type { Reason } from "../reason/client.ts"
import { type FieldProblem, type InvalidInput, invalidInput } from "../reason/input.ts"
import type { Proof } from "./request.ts"

/** The program of a call, if known, and the caller's own token or the program's credentials. */
export interface Caller {
  readonly appid: App.AppId | undefined
  readonly proof: Proof
  /** Whether the proof comes from the registry of programs, and not from the caller. */
  readonly isRegistered: boolean
}

/** The unchecked program and token that a caller passes with the parameters. */
export interface UncheckedCredentials {
  readonly access_token?: unknown
  readonly appid?: unknown
  readonly appsecret?: unknown
}

/** Whether the endpoint is `auth.getAccessToken`. */
export const isTokenCall = (endpoint: unknown): boolean => endpoint === Auth.getAccessToken

// QQ documents up to 512 characters for a token.
const maxSecretLength = 4_096

const isSecret = (u: unknown): u is string | Redacted.Redacted<string> => {
  const text = Redacted.isRedacted(u) ? Redacted.value(u) : u
  return typeof text === "string" && text !== "" && text.length <= maxSecretLength
}

/** The program of a call: that of its own parameters, or else the one selected for several calls. */
const ownOf = (given: UncheckedCredentials, selected: App.Selected | undefined): UncheckedCredentials | undefined =>
  given.appid !== undefined || given.appsecret !== undefined ? given : selected

/** The problems of the program and the token of a call. */
export const problemsOf = (
  given: UncheckedCredentials,
  selected: App.Selected | undefined
): ReadonlyArray<FieldProblem> => {
  const problems: Array<FieldProblem> = []
  const add = (field: string, en: string, zh: string) => problems.push({ field, problem: { en, zh } })
  const own = ownOf(given, selected)
  const { access_token } = given
  // Names beside the parameters of a call are checked with them.
  const wrong = own === given ? [] : misnamedIn(own, programNames)
  if (wrong.length > 0) return wrong.map(([field, problem]) => ({ field, problem }))
  if (own !== undefined && !App.isAppId(own.appid)) {
    if (own.appid === undefined) {
      add("appid", "is missing; it is required together with appsecret", "传入 appsecret 时必须同时传入 appid")
    } else add("appid", "must be the program's id as a string", "必须是字符串形式的 appid")
  }
  if (own?.appsecret !== undefined && !isSecret(own.appsecret)) {
    add(
      "appsecret",
      "must be the program's AppSecret as a string of 1 to 4,096 characters",
      "必须是 1 到 4,096 个字符的 AppSecret"
    )
  }
  if (access_token !== undefined && !isSecret(access_token)) {
    add(
      "access_token",
      "must be a token as a string of 1 to 4,096 characters",
      "必须是 1 到 4,096 个字符的 access_token"
    )
  }
  return problems
}

/** Checks that these are the program and the token of a call, and nothing else. */
export const check = (credentials: unknown): Effect.Effect<UncheckedCredentials, InvalidInput> => {
  if (!isObject(credentials)) {
    const problem = notAnObject(credentials, '{ appid: "1112345678" }')
    return Effect.fail(invalidInput([{ field: "app", problem }]))
  }
  const wrong = unknownNames(credentials, credentialNames, { en: "is not known here", zh: "不是可用的字段" })
  return wrong.length === 0
    ? Effect.succeed(credentials)
    : Effect.fail(invalidInput(wrong.map(([name, problem]) => ({ field: `app.${name}`, problem }))))
}

/** The appid that a caller names with the parameters, if it can be one. */
export const appidOf = (given: unknown): App.AppId | undefined =>
  isObject(given) && typeof given["appid"] === "string" ? given["appid"] : undefined

const registered = (app: App.AppCredentials): Caller => ({ appid: app.appid, proof: app, isRegistered: true })

/** Makes the function that finds the program and the proof of a call in the registry of programs. */
export const make = (apps: App.Apps["Service"]) => {
  const find = Effect.fnUntraced(function* (
    endpoint: Any,
    given: UncheckedCredentials,
    selected: App.Selected | undefined,
    within: number
  ): Effect.fn.Return<Caller, Reason> {
    const problems = problemsOf(given, selected)
    if (problems.length > 0) return yield* invalidInput(problems)
    const { access_token } = given
    const { appid, appsecret } = (ownOf(given, selected) ?? {}) as Partial<App.AppCredentialsInput>
    if (endpoint.authorization === "none") return { appid, proof: undefined, isRegistered: false }
    // A login is authorised by the AppSecret, so the caller's token is ignored.
    if (access_token === undefined || (endpoint.authorization === "secret" && !isTokenCall(endpoint))) {
      return appid === undefined || appsecret === undefined
        ? registered(yield* apps.credentials(appid, within))
        : { appid, proof: { appid, appsecret: App.redact(appsecret) }, isRegistered: false }
    }
    // With the caller's own token no AppSecret is needed, and an appid only if the endpoint sends it.
    const proof = App.redact(access_token as string | Redacted.Redacted<string>)
    if (appid !== undefined) return { appid, proof, isRegistered: false }
    const app = yield* Effect.result(apps.credentials(undefined, within))
    if (Result.isFailure(app) && endpoint.appid) return yield* app.failure
    return { appid: Result.isSuccess(app) ? app.success.appid : undefined, proof, isRegistered: false }
  })

  /** `selected` is the program of calls that name none. Waits at most `within` milliseconds for the registry. */
  return (
    endpoint: Any,
    given: UncheckedCredentials,
    selected: App.Selected | undefined,
    within: number
  ): Effect.Effect<Caller, Reason> =>
    ownOf(given, selected) === undefined && given.access_token === undefined && endpoint.authorization !== "none"
      ? Effect.map(apps.credentials(undefined, within), registered)
      : find(endpoint, given, selected, within)
}

/**
 * Makes the function that finds other credentials for a call whose credentials QQ refused. It gives `undefined` if there
 * are none, or if the call failed for another reason. Without a registry that can change, there is no such function.
 */
export const makeReplacement = ({ replacement }: App.Apps["Service"]) =>
  replacement &&
  ((caller: Caller, { _tag }: Reason, within: number): Effect.Effect<Caller | undefined> => {
    const { isRegistered, proof } = caller
    return isRegistered &&
      proof !== undefined &&
      !Redacted.isRedacted(proof) &&
      /^(WrongSecret|InvalidAppId)$/.test(_tag)
      ? Effect.map(replacement(proof, within), (app) => app && registered(app))
      : Effect.succeed(undefined)
  })
