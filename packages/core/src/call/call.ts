/** How one call goes: from the caller's input to QQ's answer, station by station. */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type { AccessToken } from "../AccessToken.ts"
import * as App from "../App.ts"
import type { CallOptions } from "../endpoint/definition.ts"
import type { Settings } from "../internal/settings.ts"
import type { Quota } from "../Quota.ts"
import { InvalidInput, type Reason } from "../reason/client.ts"
import * as Retry from "../Retry.ts"
import { Admission, countedOf, tooLate } from "./admission.ts"
import type { Attempt } from "./attempt.ts"
import * as Caller from "./caller.ts"
import { encode } from "./encode.ts"
import * as Options from "./options.ts"
import { Call, type Progress } from "./progress.ts"
import type { Proof } from "./request.ts"
import * as Token from "./token.ts"

/** What the stations work with. */
export interface Parts {
  readonly apps: App.Apps["Service"]
  readonly tokens: AccessToken["Service"]
  readonly quota: Quota["Service"]
  readonly settings: Settings
  readonly attempt: Attempt
}

const notAnObject = new InvalidInput({
  field: "input",
  problem: { en: "must be an object of parameters", zh: "必须是参数对象" }
})

/** What is left of an input without the caller's own program and token. */
const ownOf = (input: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> => {
  if (!("access_token" in input || "appid" in input || "appsecret" in input)) return input
  const { access_token: _token, appid: _appid, appsecret: _secret, ...own } = input
  return own
}

const isObject = (u: unknown): u is Readonly<Record<string, unknown>> =>
  typeof u === "object" && u !== null && !Array.isArray(u)

/** Makes the corridor that every call goes through. */
export const make = ({ apps, attempt, quota, settings, tokens }: Parts) => {
  const usual = Options.usual(settings)
  const callerOf = Caller.make(apps)
  const admission = new Admission(quota, settings.maxInFlight)
  const budget = new Retry.Budget()

  const send = (call: Call, proof: Proof): Effect.Effect<unknown, Retry.Failure> =>
    Effect.suspend(() => {
      const { caller, endpoint, left, options, progress, wire } = call
      // D3
      if (left <= 0) return tooLate(call)
      progress.attempts++
      return attempt(endpoint, { wire, appid: caller.appid, proof, timeout: Math.min(options.attemptTimeout, left) })
    })
  const sendWithToken = Token.make(tokens, admission, send)

  /** One try: admitted, with a token where the endpoint takes one. */
  const tryOnce = (call: Call): Effect.Effect<unknown, Retry.Failure> => {
    const { caller, endpoint } = call
    const { appid, proof } = caller
    const counted = countedOf(endpoint, appid)
    return proof === undefined || Redacted.isRedacted(proof) || endpoint.authority === "secret"
      ? admission.run(call, counted, send(call, proof))
      : sendWithToken(call, counted, proof)
  }

  // The call for a token goes past quota and turns: it is the one that all others wait for.
  const getToken = (proof: Proof, params: { readonly cache?: boolean }, within: number) =>
    proof === undefined || Redacted.isRedacted(proof)
      ? Effect.succeed(proof)
      : Effect.map(
          params.cache === false ? tokens.refresh(proof, within) : tokens.get(proof, within),
          (token) => token.value
        )

  return Effect.fnUntraced(function* (
    progress: Progress,
    input: unknown,
    given: CallOptions | undefined
  ): Effect.fn.Return<unknown, Reason> {
    if (!isObject(input)) return yield* notAnObject
    const { access_token, appid, appsecret } = input
    const { endpoint } = progress
    if (typeof appid === "string") progress.appid = appid

    const { params, wire } = yield* Effect.fromResult(encode(endpoint, ownOf(input)))
    const options = given === undefined ? usual : yield* Effect.fromResult(Options.check(given, usual))
    const caller = yield* callerOf(endpoint, { access_token, appid, appsecret }, yield* App.Current)
    progress.appid = caller.appid
    if (Caller.isTokenCall(endpoint)) return yield* getToken(caller.proof, params as {}, options.deadline)

    const call = new Call(progress, wire, caller, options)
    const output = yield* Retry.run(tryOnce(call), {
      delivery: endpoint.delivery,
      deadline: call.deadline,
      policy: options.retry,
      budget
    })
    return endpoint.select ? endpoint.select(output, params) : output
  })
}
