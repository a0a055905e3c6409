/**
 * For cloud functions without Effect, also as one CommonJS file: `createQQMini`, the facade `createVkOpenapiQQ`, the
 * objects in the form of uniCloud's own modules (`UniSecCheck`, `UniSubscribemsg`, `createInitQQ`), results for callers, the types of the client, and its errors. Apps with Effect import `UniCloudQQMini` and the
 * modules of `@qq-mini/core`.
 */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type { Database } from "./UniCloud.ts"
import { sessionKey } from "./SessionKey.ts"

export { createQQMini, type Options } from "./UniCloudQQMini.ts"
export type { Store } from "./UniCloudQQMini.ts"
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
export { toUniError, toVkError } from "./UniResult.ts"
export type { UniError, VkError } from "./UniResult.ts"

/**
 * Reads the session key that `uni-id-co` stored in `opendb-open-data` when the user logged in. `undefined` if there is
 * none or it has expired. It must never reach a client. Rejects if the database fails.
 */
export const readSessionKey = (
  database: Database,
  user: { readonly appid: string; readonly openid: string }
): Promise<string | undefined> =>
  Effect.runPromise(
    Effect.map(sessionKey(database, user), (key) => (key === undefined ? undefined : Redacted.value(key)))
  )

export type { Calls, PromiseClient, PromiseOptions } from "@qq-mini/core/Promise"
export { isQQError, QQError, type Reason } from "@qq-mini/core/QQError"
