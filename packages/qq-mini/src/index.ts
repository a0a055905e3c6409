/** The client of the QQ mini-program open API for apps with promises. */
export { createQQMini, isQQError, payNotificationHandler, pushHandler, QQError, userData } from "@qq-mini/node"
export type {
  Options,
  PayNotification,
  PayNotificationHandlerOptions,
  PromiseClient,
  PromiseOptions,
  Push
} from "@qq-mini/node"
export type { PushHandlerOptions, Reason } from "@qq-mini/node"
export type { NodeHandler, NodeRequest } from "@qq-mini/node/NodePushHandler"
export type { Options as ContentOptions, Post, Report } from "@qq-mini/core/Content"
export type { TokenEvent } from "@qq-mini/core/AccessToken"
