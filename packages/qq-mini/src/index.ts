/** The client of the QQ mini-program open API for apps with promises. */
import { promised } from "@qq-mini/core/adapter/userData"

// The error without its schemas, which take a fifth of the time to load.
export { isQQError, QQError } from "@qq-mini/core/reason/error"
export { payNotificationHandler, pushHandler } from "@qq-mini/node/NodePushHandler"
export { createQQMini } from "@qq-mini/node/NodeQQMini"
export type { TokenEvent } from "@qq-mini/core/AccessToken"
export type { Options as ContentOptions, Post, Report } from "@qq-mini/core/Content"
export type { PromiseClient, PromiseOptions } from "@qq-mini/core/Promise"
export type { PayNotification, Push } from "@qq-mini/core/Push"
export type { PayNotificationHandlerOptions, PushHandlerOptions } from "@qq-mini/core/PushWeb"
export type { Reason } from "@qq-mini/core/QQError"
export type { NodeHandler, NodeRequest } from "@qq-mini/node/NodePushHandler"
export type { Options } from "@qq-mini/node/NodeQQMini"

/** Verifies and decrypts what a mini program sends: `await userData.userInfo({ encryptedData, iv, session_key, appid })`. */
export const userData = promised()
