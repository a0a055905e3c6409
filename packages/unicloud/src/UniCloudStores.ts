/**
 * All stores of uniCloud by name:
 *
 * - `layerDatabase`: a collection of our own.
 * - `layerOpenData`: shared with `uni-open-bridge` and `uni-id-co`, in `opendb-open-data`.
 * - `layerOpenBridge`: shared through `uni-open-bridge-common` itself, which may keep tokens in Redis.
 * - `layerVk`: shared with a vk-unicloud that is still in use, in `vk-global-data`.
 * - `layerRedis`: in `uniCloud.redis()`, which counts QQ's quotas for all instances too.
 *
 * Other software writes its document at any time. The token that it wrote is everybody's from then on, and one that it
 * removed is gone. It needs no lock for that. Our own document beside it has an `_id` that ends with `:qq-mini`.
 */
export { defaultCollection, layer as layerDatabase } from "./DatabaseTokenCache.ts"
export { layer as layerOpenBridge } from "./OpenBridgeTokenCache.ts"
export type { BridgeKey, OpenBridge } from "./OpenBridgeTokenCache.ts"
export { layer as layerOpenData } from "./OpenDataTokenCache.ts"
export { enableRedis, layer as layerRedis } from "./RedisStores.ts"
export { sessionKey } from "./SessionKey.ts"
export { layer as layerVk } from "./VkTokenCache.ts"
