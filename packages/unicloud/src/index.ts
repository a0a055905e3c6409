/**
 * For cloud functions without Effect, also as one CommonJS file: `createQQMini`, the facade `createVkOpenapiQQ`, the
 * objects in the form of uniCloud's own modules (`UniSecCheck`, `UniSubscribemsg`, `createInitQQ`), broadcasts, results for callers, the types of the client, and its errors. Apps with Effect import `UniCloudQQMini` and the
 * modules of `@qq-mini/core`.
 */
import { promised } from "@qq-mini/core/adapter/userData"
import { InvalidInput, QQError } from "@qq-mini/core/QQError"
import * as Effect from "effect/Effect"
import { hasProperty, isObject } from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import type { Database } from "./UniCloud.ts"
import { sessionKey } from "./SessionKey.ts"
import { layerCrypto } from "./UniCloudQQMini.ts"

export { createQQMini, type Options } from "./UniCloudQQMini.ts"
export type { Store } from "./UniCloudQQMini.ts"
export { createBroadcast } from "./UniCloudBroadcast.ts"
export type { UniCloudBroadcast } from "./UniCloudBroadcast.ts"
export { read as readRecipients } from "./CollectionRecipients.ts"
export { createTokenStore } from "./PromiseTokenCache.ts"
export type { StoreFunctions } from "./PromiseTokenCache.ts"
export { createVkOpenapiQQ } from "./VkOpenapiQQ.ts"
export type { Options as VkOptions, VkOpenapiQQ, VkResult } from "./VkOpenapiQQ.ts"
export { createInitQQ } from "./UniIdQQ.ts"
export type { QQAccount, QQLogin, UniIdCo } from "./UniIdQQ.ts"
export { UniSecCheck } from "./UniSecCheck.ts"
export type { CheckResult, TextCheckResult } from "./UniSecCheck.ts"
export { UniSubscribemsg } from "./UniSubscribemsg.ts"
export type { SendResult } from "./UniSubscribemsg.ts"
export { payNotificationHandler, pushHandler } from "./PushHandler.ts"
export type {
  PayNotificationHandlerOptions,
  PushHandlerOptions,
  PushStoreName,
  UrlAnswer,
  UrlEvent,
  UrlHandler
} from "./PushHandler.ts"
export type { PayNotification, Push } from "@qq-mini/core/Push"
export { toUniError, toVkError } from "./UniResult.ts"
export type { UniError, VkError } from "./UniResult.ts"

/** Verifies and decrypts what a mini program sends: `await userData.userInfo({ encryptedData, iv, session_key, appid })`. */
export const userData = /* @__PURE__ */ promised((effect) => Effect.provide(effect, layerCrypto))

/**
 * Reads the session key that `uni-id-co` stored in `opendb-open-data` when the user logged in. `undefined` if there is
 * none or it has expired. It must never reach a client. Rejects if the database fails, or a parameter is wrong.
 */
export const readSessionKey = (
  database: Database,
  user: { readonly appid: string; readonly openid: string }
): Promise<string | undefined> =>
  Effect.runPromise(
    Effect.andThen(
      checkUser(database, user),
      Effect.map(sessionKey(database, user), (key) => (key === undefined ? undefined : Redacted.value(key)))
    )
  )

const invalid = (field: string, en: string, zh: string): Effect.Effect<never, QQError> => {
  const reason = new InvalidInput({ field, problem: { en, zh } })
  return Effect.fail(new QQError({ endpoint: "readSessionKey", app: undefined, reason }))
}

const checkUser = (database: unknown, user: unknown): Effect.Effect<void, QQError> => {
  if (!hasProperty(database, "collection")) {
    return invalid("database", "must be what uniCloud.database() returns", "必须是 uniCloud.database() 的返回值")
  }
  return isObject(user) && [user["appid"], user["openid"]].every((id) => typeof id === "string" && id !== "")
    ? Effect.void
    : invalid(
        "user",
        "must be an object, as { appid, openid }, both strings",
        "必须是对象，如 { appid, openid }，均为字符串"
      )
}

export type { Calls, PromiseClient, PromiseOptions } from "@qq-mini/core/Promise"
export { isQQError, QQError, type Reason } from "@qq-mini/core/QQError"
