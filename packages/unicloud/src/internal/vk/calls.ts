/** Calls in the style of vk: loose parameters, and results with `code` and `msg`. */
import { sameSecret } from "@qq-mini/core/adapter/secrets"
import * as Auth from "@qq-mini/core/Auth"
import type { Any, CallOptions } from "@qq-mini/core/Endpoint"
import type { Runner } from "@qq-mini/core/Promise"
import { isQQError } from "@qq-mini/core/QQError"
import * as QQMini from "@qq-mini/core/QQMini"
import * as Effect from "effect/Effect"
import { isObject } from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import { type Changed, Changes, type Heard, OnAnswer } from "./answers.ts"
import type { Switches } from "./differences.ts"
import * as Endpoints from "./endpoints.ts"
import { parametersOf, programOf, tokenOf, type VkInput } from "./input.ts"
import type { Json } from "./json.ts"
import * as Picture from "./picture.ts"
import type { AppidInfo, Programs } from "./programs.ts"
import * as Request from "./request.ts"
import { answered, failure, noProgram, noToken, picture, refused, type VkResult } from "./result.ts"

/** A call in the style of vk. Errors of QQ's are results. */
export type VkCall = (input?: VkInput) => Promise<VkResult>

/** What the calls need. */
export interface Parts {
  readonly run: Runner["run"]
  /** Runs calls that need no token, and so no store. */
  readonly runWithoutStore: Runner["run"]
  readonly programs: Programs
  readonly switches: Switches
  /** QQ's hosts, for `request`. */
  readonly hosts: ReadonlyArray<string>
  /** QQ's last answer to getToken for a program. */
  readonly granted: (appid: string) => Json
}

interface Invocation<A> {
  readonly endpoint: Any
  readonly input: Json
  /** Makes the result from the value and QQ's answer. */
  readonly toResult: (value: any, body: Json) => A
  readonly options?: CallOptions | undefined
  readonly changed?: Changed | undefined
  /** Makes the result from an answer that is not JSON, if the caller takes such answers. */
  readonly other?: ((heard: Heard) => A | undefined) | undefined
}

/** Whether an error says that the store can't be used as it is configured. */
const isNoStore = (error: unknown): boolean =>
  isQQError(error) && error.reason._tag === "InvalidConfig" && error.reason.setting === "store"

/** Makes one call. Errors of QQ's become results. */
const invokeBy =
  ({ run, runWithoutStore }: Pick<Parts, "run" | "runWithoutStore">) =>
  async <A>({ changed, endpoint, input, options, other, toResult }: Invocation<A>): Promise<A | VkResult> => {
    let heard: Heard | undefined
    const call = QQMini.QQMini.use((client) => client.call(endpoint, input, options)).pipe(
      Effect.provideService(Changes, changed),
      Effect.provideService(OnAnswer, (path, answer) => {
        if (path.endsWith(endpoint.path)) heard = answer
      })
    )
    try {
      const needsToken =
        endpoint === Auth.getAccessToken || (endpoint.authorization === "access_token" && !("access_token" in input))
      const value = await run(endpoint.name, call).catch((error: unknown) => {
        if (needsToken || !isNoStore(error)) throw error
        return runWithoutStore(endpoint.name, call)
      })
      return toResult(value, heard?.json ?? (isObject(value) ? value : {}))
    } catch (error) {
      if (!isQQError(error)) throw error
      const { reason } = error
      const { _tag } = reason._tag === "OutcomeUnknown" ? reason.because : reason
      const result = _tag === "UnreadableAnswer" && heard !== undefined ? other?.(heard) : undefined
      return result ?? failure(endpoint, error, heard?.json)
    }
  }

/** Makes the calls. */
export const make = ({ granted, hosts, programs, switches, ...runners }: Parts) => {
  const invoke = invokeBy(runners)
  const endpointOf = Endpoints.make(switches)

  /** The program of a call, or the caller's own token with the appid alone. Throws vk's error if there is none. */
  const credentialsOf = (given: Json, needsAppid: boolean): Json => {
    const token = switches.ignoreAccessToken ? undefined : tokenOf(given)
    if (token === undefined) return programs.getAppidInfo(given)
    const { appid = programs.main()?.appid } = programOf(given)
    if (appid === undefined && needsAppid) throw new Error(noProgram(appid))
    return appid === undefined ? { access_token: token } : { access_token: token, appid }
  }

  const getToken = async (app: AppidInfo, cache: boolean): Promise<string | VkResult> =>
    invoke({ endpoint: Auth.getAccessToken, input: { ...app, cache }, toResult: Redacted.value<string> })

  /** vk's single attempt: with a token of its own, a call is neither renewed nor repeated. */
  const single = async (endpoint: Any, input: Json): Promise<{ readonly input: Json } | VkResult> => {
    if (!switches.noRetries || endpoint.authorization !== "access_token" || "access_token" in input) return { input }
    const { appsecret, ...rest } = input
    const token = await getToken({ appid: rest["appid"], appsecret }, true)
    return typeof token === "string" ? { input: { ...rest, access_token: token } } : noToken
  }

  const invokeAs = async <A>(invocation: Invocation<A>): Promise<A | VkResult> => {
    const { endpoint, input, options } = invocation
    const attempt = await single(endpoint, input)
    if (!("input" in attempt)) return attempt as VkResult
    // vk waits for no quota: QQ's answer, or ours for it, comes at once.
    return invoke({ ...invocation, input: attempt["input"], options: { ...options, quota: "fail" } })
  }

  return {
    invoke: invokeAs,
    /** Calls an endpoint. */
    call: async (named: Any, given: Json): Promise<VkResult> => {
      const endpoint = endpointOf(named)
      const credentials = credentialsOf(given, endpoint.appid === true)
      const own = parametersOf(endpoint, given, switches)
      const media: unknown = own["media"]
      if (media instanceof Picture.Refused) {
        return refused(endpoint, "media", media.problem.zh, media.tooLarge ? 40006 : undefined)
      }
      if (named.name === "security.imgSecCheck" && media === undefined) {
        return refused(endpoint, "media", "缺少必填参数")
      }
      return invokeAs<VkResult>({
        endpoint,
        input: { ...own, ...credentials },
        toResult: (value, body) =>
          endpoint.image ? (picture(value.bytes) as unknown as VkResult) : answered(endpoint.name, body)
      })
    },
    /** The token, or `undefined` if QQ refuses to issue one. */
    getAccessToken: async (given: Json = {}): Promise<string | undefined> => {
      const { cache } = parametersOf(Auth.getAccessToken, given ?? {}, switches)
      const token = await getToken(programs.getAppidInfo(given ?? {}), cache)
      return typeof token === "string" ? token : undefined
    },
    /** Fetches a new token: `{ code, msg, access_token, expires_in }`, or `{ code, msg, err }` with QQ's answer. */
    getAccessTokenFn: (async (given = {}) => {
      const app = programs.getAppidInfo(given)
      const token = await getToken(app, false)
      const answer = granted(app.appid)
      if (typeof token !== "string") {
        // A refusal that is remembered is QQ's last answer.
        const said = answered("", answer)
        const { code, msg } = said.code === token.code ? said : token
        return { code, msg, err: answer }
      }
      // Another instance may have fetched it, and then QQ's answer is not known here.
      const isIts = sameSecret(String(answer["access_token"]), token)
      return { code: 0, msg: "ok", access_token: token, expires_in: isIts ? answer["expires_in"] : 7_200 }
    }) satisfies VkCall,
    /** Calls a URL. */
    request: async (request: Request.VkRequest): Promise<VkResult> => {
      if (!isObject(request as unknown)) return { code: -1, msg: "input：必须是参数对象。未发送任何请求。" }
      const prepared = await Request.prepare(request, hosts)
      const { dataType = "json" } = request
      if (prepared === undefined) {
        const problem = `只能调用 QQ 的接口（${hosts[0]}），access_token 不会发送给其他主机`
        return { code: -1, msg: `url：${problem}。未发送任何请求。` }
      }
      const { changed, endpoint, program, timeout, token } = prepared
      const input = endpoint.authorization === "none" ? {} : credentialsOf({ ...program, access_token: token }, false)
      const others = ({ bytes, json, status }: Heard): VkResult | undefined => {
        if (dataType === "json" || json !== undefined || status < 200 || status > 299) return undefined
        return dataType === "text"
          ? { code: 0, msg: "", data: Buffer.from(bytes).toString("utf8") }
          : (picture(bytes) as unknown as VkResult)
      }
      return invokeAs<VkResult>({
        endpoint,
        input,
        changed,
        other: others,
        options: timeout === undefined ? undefined : { attemptTimeout: timeout, deadline: timeout },
        toResult: (_, body) => answered("request", body)
      })
    }
  }
}

/** The calls in the style of vk. */
export type Calls = ReturnType<typeof make>
