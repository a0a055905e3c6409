/**
 * All stores of uniCloud:
 *
 * - `layerDatabase`: in a separate collection of the cloud database.
 * - `layerOpenData`: shared with `uni-open-bridge` and `uni-id-co`, in `opendb-open-data`.
 * - `layerOpenBridge`: shared through `uni-open-bridge-common`, which may store tokens in Redis.
 * - `layerVk`: shared with a running vk-unicloud, in `vk-global-data`.
 * - `layerRedis`: in `uniCloud.redis()`, which also counts QQ's quotas for all instances.
 *
 * Other software may write or remove its token at any time, without a lease. All clients then use the new token, or no
 * longer use the removed one. The lease and the generation are in a second document, whose `_id` ends with `:qq-mini`.
 */
export { defaultCollection, layer as layerDatabase } from "./DatabaseTokenCache.ts"
export { layer as layerOpenBridge } from "./OpenBridgeTokenCache.ts"
export type { BridgeKey, OpenBridge } from "./OpenBridgeTokenCache.ts"
export { layer as layerOpenData } from "./OpenDataTokenCache.ts"
export { enableRedis, layer as layerRedis } from "./RedisStores.ts"
export { sessionKey } from "./SessionKey.ts"
export { layer as layerVk } from "./VkTokenCache.ts"
