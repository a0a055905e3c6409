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
import type { Any } from "@qq-mini/core/Endpoint"
import { groups } from "@qq-mini/core/Endpoints"
import * as Promised from "@qq-mini/core/Promise"
import { msgSecCheck } from "@qq-mini/core/Security"
import { listening } from "./internal/vk/answers.ts"
import * as Calls from "./internal/vk/calls.ts"
import type { VkCall } from "./internal/vk/calls.ts"
import { formTextCheck, type VkRequest } from "./internal/vk/endpoints.ts"
import type { VkInput } from "./internal/vk/input.ts"
import * as Login from "./internal/vk/login.ts"
import * as Programs from "./internal/vk/programs.ts"
import type { AppidInfo, Util } from "./internal/vk/programs.ts"
import type { VkResult } from "./internal/vk/result.ts"
import * as UniCloudQQMini from "./UniCloudQQMini.ts"

export type { AppidInfo, Util, VkCall, VkInput, VkRequest, VkResult }

/** Behaviours of vk that callers may rely on. All are `false` by default. */
export interface Compat {
  /** Sets `appid` in the caller's input object. */
  readonly mutateInput?: boolean | undefined
  /** Puts the AppSecret into `encryptedKey`, for older functions that read it there. Avoid it: clients get it too. */
  readonly secretInEncryptedKey?: boolean | undefined
  /** Sends text checks as a form, as vk does. By default they are sent as JSON, as QQ's document requires. */
  readonly formTextCheck?: boolean | undefined
}

/** The options of `createVkOpenapiQQ`: those of `createQQMini`, and options for callers of vk. */
export interface Options extends UniCloudQQMini.Options {
  /**
   * The key that encrypts `encryptedKey`. By default vk's setting `vk.crypto.aes`. Without both there is no
   * `encryptedKey`.
   */
  readonly aesKey?: string | undefined
  /** Behaviours of vk to keep. */
  readonly compat?: Compat | undefined
}

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
    /** Fetches a new token, which all instances then use. Returns QQ's answer, which always has `access_token`. */
    readonly getAccessTokenFn: VkCall
    /** The token, or `undefined` if QQ refuses to issue one. */
    readonly getAccessToken: (input?: {
      readonly cache?: boolean
      readonly appid?: string
      readonly appsecret?: string
    }) => Promise<string | undefined>
    /**
     * Returns `{ appid, openid, unionid?, sessionKey?, encryptedKey?, platform }` for a `code` or an `encryptedKey`.
     */
    readonly code2Session: VkCall
    /** The same as `code2Session`. */
    readonly code2SessionMpQQ: VkCall
  }
  readonly acode: {
    /** The bytes of the mini code with `code: 0` and `msg: ""`, or an error result. */
    readonly getMiniCode: (input?: VkInput) => Promise<(Buffer & { code: 0; msg: "" }) | VkResult>
  }
}

/** Makes `vk.openapi.qq`. Nothing is read or sent before the first call. */
export const createVkOpenapiQQ = (options: Options = {}): VkOpenapiQQ => fromGroups(groups, options)

/** Makes `vk.openapi.qq` with these calls. */
export const fromGroups = <const G extends Groups>(groups: G, options: Options = {}): VkCalls<G> & Own => {
  const { compat = {} } = options
  const programs = Programs.make(options)
  const calls = Calls.make(Promised.makeRunner(UniCloudQQMini.layerAround(programs.config, listening)).run, programs)

  const asVk =
    (call: (input: VkInput) => Promise<VkResult>): VkCall =>
    async (input: any = {}) => {
      if (compat.mutateInput === true && typeof input === "object" && input !== null) {
        input.appid ??= programs.getAppidInfo().appid
      }
      return call(input)
    }
  const endpointOf = (endpoint: Any): Any =>
    compat.formTextCheck === true && endpoint === msgSecCheck ? formTextCheck : endpoint
  const named: any = Object.fromEntries(
    Object.entries(groups).map(([group, endpoints]) => [
      group,
      Object.fromEntries(
        Object.entries(endpoints).map(([name, endpoint]) => [
          name,
          asVk((input) => calls.call(endpointOf(endpoint), input))
        ])
      )
    ])
  )
  const code2Session = asVk(Login.make(calls, programs, compat.secretInEncryptedKey === true))

  return {
    ...named,
    auth: {
      ...named.auth,
      getAppidInfo: programs.getAppidInfo,
      getAccessTokenFn: calls.getAccessTokenFn,
      getAccessToken: calls.getAccessToken,
      code2Session,
      code2SessionMpQQ: code2Session
    },
    init: programs.init,
    getConfig: programs.getConfig,
    request: calls.request
  }
}
