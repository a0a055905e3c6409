/**
 * QQ's login in the form that `uni-id-co` uses, with the client's program, quota and time limits.
 *
 * Known from the source of `uni-id-pages` (`lib/third-party/index.js`, `lib/third-party/qq/account`,
 * `module/login/login-by-qq.js`): `initQQ` is called with the cloud object as `this`; for the platform `mp-qq` only
 * `code2Session({ code })` is used, which gives `{ openid, unionid, sessionKey, errCode: 0, errMsg }` or rejects with an
 * error that has a `code` and a `message`. Its own call takes an `errcode` of QQ's for a success without an openid.
 */
import { invalidConfig } from "@qq-mini/core/App"
import type { Calls } from "@qq-mini/core/Promise"
import * as UniModule from "./internal/uniModule.ts"

/** The user of a login. */
export interface QQAccount {
  readonly openid: string
  /** The user's id across all programs of one developer, if QQ returns it. */
  readonly unionid?: string
  /** The session key. It must never reach a client. `uni-id-co` stores it, and `readSessionKey` reads it. */
  readonly sessionKey?: string
  readonly errCode: 0
  readonly errMsg: string
}

/** The object that `initQQ` returns for `mp-qq`. */
export interface QQLogin {
  /** Rejects with a `QQError`, also if QQ refuses the code. */
  readonly code2Session: (input: { readonly code: string }) => Promise<QQAccount>
}

/** The part of the cloud object `uni-id-co` that `initQQ` uses. */
export interface UniIdCo {
  readonly clientPlatform?: string
  readonly getClientInfo?: () => { readonly appId?: string }
}

/**
 * Makes the function `initQQ` of `uni-id-co`:
 *
 * ```js
 * thirdParty.initQQ = createInitQQ(qq, thirdParty.initQQ)
 * ```
 *
 * `original` is used for other platforms than `mp-qq`, such as an app's login with QQ. Throws a `QQError` if `qq` is not
 * a client.
 */
export const createInitQQ = <A = never, Co extends UniIdCo = UniIdCo>(
  qq: Calls,
  original?: (this: Co) => A
): ((this: Co) => QQLogin | A) => {
  UniModule.check({ qq })
  if (original !== undefined && typeof original !== "function") {
    throw invalidConfig("original", "must be the function initQQ", "必须是 initQQ 函数")
  }
  return function () {
    if (this?.clientPlatform !== "mp-qq" && original !== undefined) return original.call(this)
    const dcloudAppid = this?.getClientInfo?.().appId
    return {
      code2Session: async (input) => {
        const program = await UniModule.programOf(qq, { dcloudAppid })
        const { openid, session_key, unionid } = await qq.auth.code2Session({
          code: input?.code,
          needKey: true,
          ...program
        })
        return {
          openid,
          ...(unionid === undefined ? {} : { unionid }),
          ...(session_key === undefined ? {} : { sessionKey: session_key }),
          errCode: 0,
          errMsg: "auth.code2Session ok"
        }
      }
    }
  }
}
