/**
 * What plain handlers need: `createQQMini`, the stores by their short names, the class of the Durable Object, and errors.
 */
export { isQQError, QQError } from "@qq-mini/core/QQError"
export { layer as denoKv } from "./DenoKvTokenCache.ts"
export { layer as durableObject } from "./DurableObjectTokenCache.ts"
export type { Calls } from "@qq-mini/core/Promise"
export { createQQMini } from "./EdgeQQMini.ts"
export type { Options } from "./EdgeQQMini.ts"
export { layer as kv } from "./KvTokenCache.ts"
export { QQTokens } from "./QQTokens.ts"
export { layer as upstash } from "./UpstashStores.ts"
