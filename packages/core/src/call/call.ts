/** The steps of one call, from the caller's input to QQ's answer. */
import * as Effect from "effect/Effect"
import { isObject } from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import type { AccessToken } from "../AccessToken.ts"
import * as App from "../App.ts"
import type { Any, CallOptions } from "../endpoint/definition.ts"
import type { ImagePreparer } from "../ImagePreparer.ts"
import type { Settings } from "../internal/settings.ts"
import { type Reason, TimedOut } from "../reason/client.ts"
import { type InvalidInput, invalidInput } from "../reason/input.ts"
import * as Retry from "../Retry.ts"
import { type Admission, countedCallOf, tooLate } from "./admission.ts"
import type { Attempt } from "./attempt.ts"
import * as Caller from "./caller.ts"
import { encode, type Wire } from "./encode.ts"
import * as Options from "./options.ts"
import { Call, type Progress } from "./progress.ts"
import type { Proof } from "./request.ts"
import * as Token from "./token.ts"

/** The services that a call uses. */
export interface Parts {
  readonly apps: App.Apps["Service"]
  readonly tokens: AccessToken["Service"]
  readonly admission: Pick<Admission, "run" | "hasPlace">
  readonly settings: Settings
  readonly imagePreparer: ImagePreparer | undefined
  readonly attempt: Attempt
}

/** The checked input and options of a call. */
interface Checked {
  readonly input: Readonly<Record<string, unknown>>
  readonly params: unknown
  readonly wire: Wire
  readonly options: Options.Options
}

/** Milliseconds until the deadline of a call. Negative after it. */
const millisLeft = (progress: Progress, { deadline }: Options.Options): number =>
  progress.began + deadline - progress.now

/** D3: ends work other than requests at the call's deadline. */
const inTime =
  (progress: Progress, options: Options.Options) =>
  <A>(work: Effect.Effect<A, Reason>): Effect.Effect<A, Reason> =>
    Effect.timeoutOrElse(work, {
      duration: Math.max(0, millisLeft(progress, options)),
      orElse: () => Effect.fail(new TimedOut({ during: "media", limit: options.deadline }))
    })

/** Runs a call. `selected` is the program of calls that name none. */
export type Run = (
  progress: Progress,
  input: unknown,
  given: CallOptions | undefined,
  selected: App.Selected | undefined
) => Effect.Effect<unknown, Reason>

/** Makes the function that runs every call of a client. */
export const make = ({ admission, apps, attempt, imagePreparer, settings, tokens }: Parts): Run => {
  const defaults = Options.fromSettings(settings)
  const callerOf = Caller.make(apps)
  const replacementOf = Caller.makeReplacement(apps)
  const budget = new Retry.Budget()

  const send = (call: Call, proof: Proof): Effect.Effect<unknown, Retry.Failure> =>
    Effect.suspend(() => {
      const { caller, endpoint, millisLeft, options, progress, wire } = call
      // D3
      if (millisLeft <= 0) return tooLate(call)
      progress.attempts++
      return attempt(endpoint, {
        wire,
        appid: caller.appid,
        proof,
        timeout: Math.min(options.attemptTimeout, millisLeft)
      })
    })
  const sendWithToken = Token.make(tokens, admission, send)

  /** One attempt, after admission, with a token if the endpoint needs one. */
  const tryOnce = (call: Call): Effect.Effect<unknown, Retry.Failure> => {
    const { caller, endpoint } = call
    const { appid, proof } = caller
    const counted = countedCallOf(endpoint, appid)
    return proof === undefined || Redacted.isRedacted(proof) || endpoint.authorization === "secret"
      ? admission.run(call, counted, send(call, proof))
      : sendWithToken(call, counted, proof)
  }

  // A token fetch bypasses quota and admission, because all other calls wait for it.
  const getToken = (proof: Proof, params: { readonly cache?: boolean }, within: number) =>
    proof === undefined || Redacted.isRedacted(proof)
      ? Effect.succeed(proof)
      : Effect.map(
          params.cache === false ? tokens.refresh(proof, within) : tokens.get(proof, within),
          (token) => token.value
        )

  /** Makes all checks that need neither the registry of programs nor the network. */
  const check = (
    endpoint: Any,
    input: unknown,
    given: CallOptions | undefined,
    selected: App.Selected | undefined
  ): Result.Result<Checked, InvalidInput> => {
    const encoded = encode(endpoint, input)
    const options = given === undefined ? Result.succeed(defaults) : Options.check(given, defaults)
    if (Result.isSuccess(encoded) && Result.isSuccess(options)) {
      return Result.succeed({ ...encoded.success, input: input as Checked["input"], options: options.success })
    }
    // Everything that is wrong, so that one more try is enough.
    return Result.fail(
      invalidInput([
        ...(Result.isFailure(encoded) ? encoded.failure.problems : []),
        ...Caller.problemsOf(isObject(input) ? input : {}, selected),
        ...(Result.isFailure(options) ? options.failure.problems : [])
      ])
    )
  }

  /** Runs a call whose parameters are in memory. */
  const run: Run = (progress, input, given, selected) => {
    const { endpoint } = progress
    const checked = check(endpoint, input, given, selected)
    if (Result.isFailure(checked)) return Effect.fail(checked.failure)
    const { options, params, wire } = checked.success
    const runAs = (caller: Caller.Caller): Effect.Effect<unknown, Reason> => {
      progress.appid = caller.appid
      if (Caller.isTokenCall(endpoint)) return getToken(caller.proof, params as {}, millisLeft(progress, options))
      const send = (wire: Wire) => {
        const call = new Call(progress, wire, caller, options)
        return Retry.run(tryOnce(call), {
          delivery: endpoint.delivery,
          ifUnknown: endpoint.ifUnknown,
          deadline: call.deadline,
          policy: options.retry,
          budget
        })
      }
      const parts = endpoint.inParts?.(params, { send, inTime: inTime(progress, options), imagePreparer })
      if (parts !== undefined) return parts
      const output = send(wire)
      return endpoint.select ? Effect.map(output, (output) => endpoint.select!(output, params)) : output
    }
    const caller = callerOf(endpoint, checked.success.input, selected, options.deadline)
    if (replacementOf === undefined) return Effect.flatMap(caller, runAs)
    return Effect.flatMap(caller, (caller) =>
      Effect.catch(runAs(caller), (reason) =>
        Effect.flatMap(replacementOf(caller, reason, millisLeft(progress, options)), (other) =>
          other === undefined ? Effect.fail(reason) : runAs(other)
        )
      )
    )
  }

  return (progress, input, given, selected) => {
    const { endpoint } = progress
    progress.appid = Caller.appidOf(isObject(input) && input["appid"] !== undefined ? input : selected)
    const reading = isObject(input) ? endpoint.read?.(input) : undefined
    if (reading === undefined) return run(progress, input, given, selected)
    const options = given === undefined ? Result.succeed(defaults) : Options.check(given, defaults)
    if (Result.isFailure(options)) return Effect.fail(options.failure)
    return Effect.flatMap(inTime(progress, options.success)(reading), (input) => run(progress, input, given, selected))
  }
}
