/**
 * What plain cloud functions need, also as the one CommonJS file: `createQQMini`, `createVkOpenapiQQ`, errors and their
 * results.
 */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type { Database } from "./UniCloud.ts"
import { sessionKey } from "./SessionKey.ts"

export { isQQError, QQError } from "@qq-mini/core/QQError"
export { createQQMini } from "./UniCloudQQMini.ts"
export type { Options, Store } from "./UniCloudQQMini.ts"
export { toUniError, toVkError } from "./UniResult.ts"
export type { UniError, VkError } from "./UniResult.ts"
export { createVkOpenapiQQ } from "./VkOpenapiQQ.ts"
export type { Options as VkOptions, VkOpenapiQQ, VkResult } from "./VkOpenapiQQ.ts"

/**
 * The session key that `uni-id-co` kept in `opendb-open-data` for a user when it logged in; `undefined` when there is none
 * or its time is over. It must never reach a client.
 */
export const readSessionKey = (
  database: Database,
  user: { readonly appid: string; readonly openid: string }
): Promise<string | undefined> =>
  Effect.runPromise(
    Effect.map(sessionKey(database, user), (key) => (key === undefined ? undefined : Redacted.value(key)))
  )
