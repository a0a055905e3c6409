/** What counting the quota costs: CPU time of a place taken and ended, in memory and over Redis, and in Redis itself. */
import * as Quota from "@qq-mini/core/Quota"
import * as RedisStores from "@qq-mini/node/RedisStores"
import * as Effect from "effect/Effect"
import * as ManagedRuntime from "effect/ManagedRuntime"
import { Redis } from "../../../test/src/support/redis.ts"

const counted: Quota.CountedCall = { key: "1112345678 bench", limits: [Quota.perMinute(1e9), Quota.perDay(1e9)] }
const place = Effect.gen(function* () {
  const quota = yield* Quota.Quota
  const { ticket } = yield* quota.reserve({ ...counted, maxWait: 0, ttl: 15_000 })
  yield* quota.complete({ ...counted, ticket })
})

const cost = async (layer: Parameters<typeof ManagedRuntime.make<Quota.Quota, unknown>>[0], count: number) => {
  const runtime = ManagedRuntime.make(layer)
  const run = (count: number) =>
    runtime.runPromise(Effect.forEach(Array.from({ length: count }), () => place, { concurrency: 64, discard: true }))
  await run(count / 4)
  const start = process.cpuUsage()
  await run(count)
  const { system, user } = process.cpuUsage(start)
  await runtime.dispose()
  return (user + system) / count
}

await using redis = await Redis.start()
const memory = await cost(Quota.layerMemory, 100_000)
const overRedis = await cost(RedisStores.layer({ url: redis.url }), 20_000)
console.log(JSON.stringify({ memory, redis: overRedis }))
