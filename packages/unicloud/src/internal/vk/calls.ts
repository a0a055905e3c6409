/** Calls in the style of vk: unchecked parameters, and results with `code` and `msg`. */
import * as Auth from "@qq-mini/core/Auth"
import type { Any } from "@qq-mini/core/Endpoint"
import type { Runner } from "@qq-mini/core/Promise"
import { isQQError } from "@qq-mini/core/QQError"
import * as QQMini from "@qq-mini/core/QQMini"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { OnAnswer } from "./answers.ts"
import { requestOf, type VkRequest } from "./endpoints.ts"
import { type Json, parametersOf, type VkInput } from "./input.ts"
import type { Programs } from "./programs.ts"
import { failure, picture, success, type VkResult } from "./result.ts"

/** A call in the style of vk. Errors of QQ's are results. */
export type VkCall = (input?: VkInput) => Promise<VkResult>

/** Makes one call. `then` makes the result from the value and QQ's whole answer. Errors of QQ's become results. */
type Invoke = <A>(endpoint: Any, input: Json, then: (value: any, body: Json) => A) => Promise<A | VkResult>

const invokeBy =
  (run: Runner["run"]): Invoke =>
  async (endpoint, input, then) => {
    let body: Json | undefined
    const call = QQMini.QQMini.use((client) => client.call(endpoint, input)).pipe(
      Effect.provideService(OnAnswer, (path, json) => {
        if (path.endsWith(endpoint.path)) body = json
      })
    )
    try {
      return then(await run(endpoint.name, call), body ?? {})
    } catch (error) {
      if (!isQQError(error)) throw error
      return failure(endpoint, error, body)
    }
  }

/** Makes the calls from a runner and the configured programs. */
export const make = (run: Runner["run"], programs: Programs) => {
  const invoke = invokeBy(run)
  const parameters = (endpoint: Any, given: Json): Json => programs.withSecret(parametersOf(endpoint, given))
  return {
    invoke,
    parameters,
    /** Calls an endpoint. */
    call: async (endpoint: Any, given: Json): Promise<VkResult> =>
      invoke(endpoint, parameters(endpoint, given), (value, body) =>
        endpoint.image ? (picture(value.bytes) as unknown as VkResult) : success(endpoint.name, body)
      ),
    /** The token, or `undefined` if QQ refuses to issue one. */
    getAccessToken: async (given: Json = {}): Promise<string | undefined> => {
      const token = await invoke(Auth.getAccessToken, parameters(Auth.getAccessToken, given), Redacted.value<string>)
      return typeof token === "string" ? token : undefined
    },
    /** Fetches a new token. Returns QQ's answer, which always has `access_token`. */
    getAccessTokenFn: (async (given = {}) => {
      const input = parameters(Auth.getAccessToken, { ...given, access_token: undefined, cache: false })
      // A call that shares another call's fetch does not see QQ's answer.
      return invoke(Auth.getAccessToken, input, (token, body) =>
        success(Auth.getAccessToken.name, { ...body, access_token: Redacted.value<string>(token) })
      )
    }) satisfies VkCall,
    /** Calls a URL. */
    request: async (request: VkRequest): Promise<VkResult> => {
      const { endpoint, input } = requestOf(request)
      return invoke(endpoint, programs.withSecret(input), (_, body) => success("request", body))
    }
  }
}

/** The calls in the style of vk. */
export type Calls = ReturnType<typeof make>
