/**
 * `vk.openapi.qq` over qq-mini: the same names, parameters, results and messages, without the defects.
 *
 * ```js
 * vk.openapi.qq = createVkOpenapiQQ()
 * ```
 *
 * - QQ's errors are results, `{ errcode, errmsg, code, msg }` in the spelling that QQ used. Parameters that can't be right
 *   give `code: -1`, and nothing is sent. Where it is unknown whether QQ answered (no connection, no time, an unreadable
 *   answer), a `QQError` is thrown.
 * - A mini code is a Buffer with `code` and `msg`.
 * - Every call of qq-mini is here by its name, including those that vk never had.
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

/** Habits of vk that a caller might rely on. Each is off unless it is `true`. */
export interface Compat {
  /** The caller's object gets the `appid` of the program. */
  readonly mutateInput?: boolean | undefined
  /** `encryptedKey` holds the AppSecret too, for an older function that reads it there. Clients get it too, so avoid it. */
  readonly secretInEncryptedKey?: boolean | undefined
  /** A text check is sent as a form, as vk does, and not as JSON, as QQ's document says. */
  readonly formTextCheck?: boolean | undefined
}

/** The options of `createQQMini`, with those for vk's callers. */
export interface Options extends UniCloudQQMini.Options {
  /** Encrypts `encryptedKey`. By default vk's own `vk.crypto.aes`. Without either there is no `encryptedKey`. */
  readonly aesKey?: string | undefined
  readonly compat?: Compat | undefined
}

/** Endpoints by group and name. */
export type Groups = Readonly<Record<string, Readonly<Record<string, Any>>>>

/** The calls of these groups in vk's manner, except those with a type of their own. */
export type VkCalls<G extends Groups> = {
  readonly [K in keyof G]: { readonly [N in Exclude<keyof G[K], K extends keyof Own ? keyof Own[K] : never>]: VkCall }
}

/** `vk.openapi.qq`. */
export type VkOpenapiQQ = VkCalls<typeof groups> & Own

/** The members that are not simply a call in vk's manner. */
interface Own {
  /** vk calls it when it makes an instance. */
  readonly init: (util?: Util) => void
  /** The whole configuration of uni-id for the current app. It holds secrets. */
  readonly getConfig: () => any
  /** A call that has no name here. */
  readonly request: (request: VkRequest) => Promise<VkResult>
  readonly auth: {
    /** The program and its secret. Throws an Error if none is configured. */
    readonly getAppidInfo: (input?: { readonly appid?: string; readonly appsecret?: string }) => AppidInfo
    /** Fetches a new token, which all instances use from then on. QQ's answer, with `access_token` in any case. */
    readonly getAccessTokenFn: VkCall
    /** The token, or `undefined` if QQ gives none. */
    readonly getAccessToken: (input?: {
      readonly cache?: boolean
      readonly appid?: string
      readonly appsecret?: string
    }) => Promise<string | undefined>
    /** `{ appid, openid, unionid?, sessionKey?, encryptedKey?, platform }`. Takes an `encryptedKey` instead of a code too. */
    readonly code2Session: VkCall
    readonly code2SessionMpQQ: VkCall
  }
  readonly acode: {
    /** The picture's bytes with `code: 0` and `msg: ""`, or an error. */
    readonly getMiniCode: (input?: VkInput) => Promise<(Buffer & { code: 0; msg: "" }) | VkResult>
  }
}

/** Makes `vk.openapi.qq`. Nothing is read or sent before the first call. */
export const createVkOpenapiQQ = (options: Options = {}): VkOpenapiQQ => fromGroups(groups, options)

/** Makes `vk.openapi.qq` with these calls: what is special to a call comes from its endpoint. */
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
