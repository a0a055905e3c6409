/** Stores over your own client of Redis. */
export { fromClient, layerRedisFromClient } from "@qq-mini/node/RedisStores"
export type { Client as RedisClient } from "@qq-mini/node/RedisStores"
