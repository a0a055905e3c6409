/**
 * For Node apps without Effect: `createQQMini`, the types of its client, and its errors. Apps with Effect import
 * `NodeQQMini` and the modules of `@qq-mini/core`.
 */
import { promised } from "@qq-mini/core/adapter/userData"

export { createQQMini, type Options } from "./NodeQQMini.ts"
export type { Calls, PromiseClient, PromiseOptions } from "@qq-mini/core/Promise"
export { isQQError, QQError, type Reason } from "@qq-mini/core/QQError"

/** Verifies and decrypts what a mini program sends: `await userData.userInfo({ encryptedData, iv, session_key, appid })`. */
export const userData = /* @__PURE__ */ promised()
export { payNotificationHandler, pushHandler } from "./NodePushHandler.ts"
export type { PayNotificationHandlerOptions, PushHandlerOptions } from "@qq-mini/core/PushWeb"
export type { PayNotification, Push } from "@qq-mini/core/Push"
