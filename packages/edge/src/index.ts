/**
 * For edge handlers without Effect: `createQQMini`, the stores by short names, the class of the Durable Object, the
 * types of the client, and its errors. Apps with Effect import `EdgeQQMini` and the modules of `@qq-mini/core`.
 */
import { promised } from "@qq-mini/core/adapter/userData"

export { createQQMini, type Options } from "./EdgeQQMini.ts"
export { layer as denoKv } from "./DenoKvTokenCache.ts"
export { layer as durableObject } from "./DurableObjectTokenCache.ts"
export { make as images } from "./ImagesPreparer.ts"
export { layer as kv } from "./KvTokenCache.ts"
export { layer as upstash } from "./UpstashStores.ts"
export { QQTokens } from "./QQTokens.ts"
export type { Calls, PromiseClient, PromiseOptions, RequestClient } from "@qq-mini/core/Promise"
export { isQQError, QQError, type Reason } from "@qq-mini/core/QQError"

/** Verifies and decrypts what a mini program sends: `await userData.userInfo({ encryptedData, iv, session_key, appid })`. */
export const userData = /* @__PURE__ */ promised()
export {
  payNotificationHandler,
  type PayNotificationHandlerOptions,
  pushHandler,
  type PushHandlerOptions
} from "@qq-mini/core/PushWeb"
export type { PayNotification, Push } from "@qq-mini/core/Push"
