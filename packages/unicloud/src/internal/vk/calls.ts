/** Calls in vk's manner: loose parameters in, results with `code` and `msg` out. */
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

/** A call in vk's manner. */
export type VkCall = (input?: VkInput) => Promise<VkResult>

/** Makes one call. `then` gets the value and QQ's whole answer; QQ's errors become results. */
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
      return then(await run(endpoint.endpoint, call), body ?? {})
    } catch (error) {
      if (!isQQError(error)) throw error
      return failure(endpoint, error, body)
    }
  }

/** Calls over a runner, for these programs. */
export const make = (run: Runner["run"], programs: Programs) => {
  const invoke = invokeBy(run)
  const parameters = (endpoint: Any, given: Json): Json => programs.withSecret(parametersOf(endpoint, given))
  return {
    invoke,
    parameters,
    /** Any endpoint in vk's manner. */
    call: async (endpoint: Any, given: Json): Promise<VkResult> =>
      invoke(endpoint, parameters(endpoint, given), (value, body) =>
        endpoint.image ? (picture(value.bytes) as unknown as VkResult) : success(endpoint.endpoint, body)
      ),
    /** The token, or `undefined` if QQ gives none. */
    getAccessToken: async (given: Json = {}): Promise<string | undefined> => {
      const token = await invoke(Auth.getAccessToken, parameters(Auth.getAccessToken, given), Redacted.value<string>)
      return typeof token === "string" ? token : undefined
    },
    /** QQ's answer to a fetch of a new token. It holds at least `access_token`. */
    getAccessTokenFn: (async (given = {}) => {
      const input = parameters(Auth.getAccessToken, { ...given, access_token: undefined, cache: false })
      // a call that joins the fetch of another one does not see QQ's answer
      return invoke(Auth.getAccessToken, input, (token, body) =>
        success(Auth.getAccessToken.endpoint, { ...body, access_token: Redacted.value<string>(token) })
      )
    }) satisfies VkCall,
    /** A call by its URL. */
    request: async (request: VkRequest): Promise<VkResult> => {
      const { endpoint, input } = requestOf(request)
      return invoke(endpoint, programs.withSecret(input), (_, body) => success("request", body))
    }
  }
}

/** Calls in vk's manner. */
export type Calls = ReturnType<typeof make>
