/**
 * A replacement for `vk.openapi.qq`: the same names, parameters, results and messages as vk's, without vk's defects.
 *
 * ```js
 * vk.openapi.qq = createVkOpenapiQQ()
 * ```
 *
 * - An error of QQ's is a result, `{ errcode, errmsg, code, msg }`, in the spelling that QQ used. For wrong parameters
 *   the result has `code: -1`, and nothing is sent. If QQ's answer is unknown (connection failed, timeout, unreadable
 *   answer), a `QQError` is thrown.
 * - A mini code is a Buffer with `code` and `msg`.
 * - All calls of qq-mini are available by their names, including those that vk does not have.
 */
import * as Setup from "@qq-mini/core/adapter/Setup"
import { type AppCredentialsInput, invalidConfig, notAList } from "@qq-mini/core/App"
import type { Any } from "@qq-mini/core/Endpoint"
import { groups } from "@qq-mini/core/Endpoints"
import * as Promised from "@qq-mini/core/Promise"
import * as Effect from "effect/Effect"
import { isObject } from "effect/Predicate"
import * as Answers from "./internal/vk/answers.ts"
import * as Calls from "./internal/vk/calls.ts"
import type { VkCall } from "./internal/vk/calls.ts"
import { defaults, type Switches } from "./internal/vk/differences.ts"
import type { VkInput } from "./internal/vk/input.ts"
import * as Login from "./internal/vk/login.ts"
import * as Programs from "./internal/vk/programs.ts"
import type { AppidInfo, Util } from "./internal/vk/programs.ts"
import type { VkFile, VkRequest } from "./internal/vk/request.ts"
import type { VkResult } from "./internal/vk/result.ts"
import * as UniCloudQQMini from "./UniCloudQQMini.ts"

export type { AppidInfo, Util, VkCall, VkFile, VkInput, VkRequest, VkResult }

/** Switches for behaviours of vk that callers may rely on: `true` is vk's way. */
export interface Compat extends Partial<Switches> {
  /** Sends text checks as a form. `false` sends JSON, as QQ's document requires. By default `true`. */
  readonly formTextCheck?: boolean
  /** Ignores a string as `access_token`, so that the program's own token is used. By default `false`. */
  readonly ignoreAccessToken?: boolean
  /** Ignores `page` of `getMiniCode`, so that only `path` counts. By default `false`. */
  readonly ignorePage?: boolean
  /** Sets `appid` in the caller's input object. By default `false`. */
  readonly mutateInput?: boolean
  /** Neither renews a refused token nor repeats a call or the fetch of a token. By default `false`. */
  readonly noRetries?: boolean
  /** Puts the AppSecret into `encryptedKey`, for older functions that read it there. Clients get it. By default `false`. */
  readonly secretInEncryptedKey?: boolean
  /** Returns the AppSecret from `code2SessionMpQQ`. By default `false`. */
  readonly secretInSession?: boolean
  /** Sends also when QQ's published quota is full, or QQ has said so. By default `false`. */
  readonly sendOverQuota?: boolean
  /** Sends also what QQ refuses: an empty text, bytes that are no image, a message without data. By default `false`. */
  readonly sendUnchecked?: boolean
}

/** The options of `createVkOpenapiQQ`: those of `createQQMini`, and options for callers of vk. */
export interface Options extends Omit<UniCloudQQMini.Options, "apps" | "secretTtl" | "imagePreparer"> {
  /** More programs of the same backend: a list, because vk's `getAppidInfo` can't wait for a function. */
  readonly apps?: ReadonlyArray<AppCredentialsInput> | undefined
  /**
   * The key that encrypts `encryptedKey`. By default vk's setting `vk.crypto.aes`. Without both there is no
   * `encryptedKey`.
   */
  readonly aesKey?: string | undefined
  /** Behaviours of vk to keep or to leave. */
  readonly compat?: Compat | undefined
  /**
   * Timeout of a whole call in milliseconds. By default 60,000, as in vk, and less if `timeLeft` says so: a call may take
   * as long as the cloud function lives.
   */
  readonly deadline?: number | undefined
  /** Timeout of one attempt in milliseconds. By default the whole call's. */
  readonly attemptTimeout?: number | undefined
}

const { imagePreparer: _, secretTtl: __, ...shared } = UniCloudQQMini.names

const names = {
  ...shared,
  aesKey: [],
  compat: []
} satisfies Record<keyof Options, ReadonlyArray<string>>

/** Endpoints by group and name. */
export type Groups = Readonly<Record<string, Readonly<Record<string, Any>>>>

/** The calls of these groups in the style of vk, without those that have a special type. */
export type VkCalls<G extends Groups> = {
  readonly [K in keyof G]: { readonly [N in Exclude<keyof G[K], K extends keyof Own ? keyof Own[K] : never>]: VkCall }
}

/** The type of `vk.openapi.qq`. */
export type VkOpenapiQQ = VkCalls<typeof groups> & Own

/** The members with special types. */
interface Own {
  /** Takes vk's configuration. vk calls it when it makes an instance. */
  readonly init: (util?: Util) => void
  /** The whole configuration of uni-id for the current app. It contains secrets. */
  readonly getConfig: () => any
  /** Calls any URL of QQ's API. */
  readonly request: (request: VkRequest) => Promise<VkResult>
  readonly auth: {
    /** The program and its secret. Throws an Error if none is configured. */
    readonly getAppidInfo: (input?: { readonly appid?: string; readonly appsecret?: string }) => AppidInfo
    /** Fetches a new token, which all instances then use: `{ code: 0, msg: "ok", access_token, expires_in }`. */
    readonly getAccessTokenFn: VkCall
    /** The token, or `undefined` if QQ refuses to issue one. */
    readonly getAccessToken: (input?: {
      readonly cache?: boolean
      readonly appid?: string
      readonly appsecret?: string
    }) => Promise<string | undefined>
    /**
     * Returns `{ appid, openid, unionid?, sessionKey?, encryptedKey?, platform }` for a `code` or an `encryptedKey`. There
     * is an `encryptedKey` only if vk's setting `vk.crypto.aes` (or `aesKey`) is set.
     */
    readonly code2Session: VkCall
    /** The session with `sessionKey`, without `platform` and `encryptedKey`. */
    readonly code2SessionMpQQ: VkCall
  }
  readonly acode: {
    /** The bytes of the mini code with `code: 0` and `msg: ""`, or an error result. */
    readonly getMiniCode: (input?: VkInput) => Promise<(Buffer & { code: 0; msg: "" }) | VkResult>
  }
}

/** Makes `vk.openapi.qq`. Nothing is read or sent before the first call. */
export const createVkOpenapiQQ = (options: Options = {}): VkOpenapiQQ => fromGroups(groups, options)

// vk waits 60 seconds for an answer.
const usualMillis = 60_000

const withSettings = (options: Options, { noRetries }: Switches): UniCloudQQMini.Options => {
  const { aesKey: _key, compat: _compat, deadline = usualMillis, attemptTimeout = deadline, ...rest } = options
  return { ...rest, deadline, attemptTimeout, ...(noRetries ? { attempts: 1 } : {}) }
}

const switchesOf = ({ compat = {} }: Options): Switches => {
  if (!isObject(compat)) throw invalidConfig("compat", "must be an object", "必须是对象")
  const given = Object.entries(compat).filter(([, value]) => value !== undefined)
  const wrong = given.find(([name, value]) => !Object.hasOwn(defaults, name) || typeof value !== "boolean")
  if (wrong !== undefined) {
    const names = Object.keys(defaults).join(", ")
    throw invalidConfig(
      `compat.${wrong[0]}`,
      `must be one of ${names}, as a boolean`,
      `必须是 ${names} 之一，值为布尔值`
    )
  }
  return { ...defaults, ...Object.fromEntries(given) }
}

const qqHost = "api.q.qq.com"

/** QQ's hosts, in the URLs of `request`. */
const hostsOf = ({ baseUrl = "" }: Options): ReadonlyArray<string> => [
  qqHost,
  `${qqHost}:443`,
  ...(/^\w+:\/\/([^/]+)/.exec(baseUrl)?.slice(1) ?? [])
]

/** Makes `vk.openapi.qq` with these calls. */
export const fromGroups = <const G extends Groups>(groups: G, options: Options = {}): VkCalls<G> & Own => {
  Effect.runSync(Setup.checkNames(options, names))
  if (typeof options.apps === "function") throw notAList("apps")
  const switches = switchesOf(options)
  const programs = Programs.make(withSettings(options, switches), options.aesKey)
  const { granted, wrap } = Answers.listen()
  const runner = (more: Pick<Options, "store">) =>
    Promised.makeRunner(UniCloudQQMini.layerAround({ ...programs.config, ...more }, wrap)).run
  const [run, runWithoutStore] = [runner({}), runner({ store: "memory" })]
  const calls = Calls.make({ run, runWithoutStore, programs, switches, granted, hosts: hostsOf(options) })

  const asVk =
    (call: (input: VkInput) => Promise<VkResult>): VkCall =>
    async (input: any) => {
      const given = typeof input === "object" && input !== null ? input : {}
      if (switches.mutateInput && !given.appid) given.appid = programs.getAppidInfo(given).appid
      return call(given)
    }
  const named: any = Object.fromEntries(
    Object.entries(groups).map(([group, endpoints]) => [
      group,
      Object.fromEntries(
        Object.entries(endpoints).map(([name, endpoint]) => [name, asVk((input) => calls.call(endpoint, input))])
      )
    ])
  )
  const { code2Session, code2SessionMpQQ } = Login.make(calls, programs, switches)

  return {
    ...named,
    auth: {
      ...named.auth,
      getAppidInfo: programs.getAppidInfo,
      getAccessTokenFn: asVk(calls.getAccessTokenFn),
      getAccessToken: calls.getAccessToken,
      code2Session: asVk(code2Session),
      code2SessionMpQQ: asVk(code2SessionMpQQ)
    },
    init: programs.init,
    getConfig: programs.getConfig,
    request: calls.request
  }
}
