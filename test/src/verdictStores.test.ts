/** The stores of verdicts against their contract, on their real engines. */
import * as NodeRedis from "@effect/platform-node/NodeRedis"
import { describe, it } from "@effect/vitest"
import * as RedisVerdictStore from "@qq-mini/core/RedisVerdictStore"
import * as VerdictStoreConformance from "@qq-mini/core/testing/VerdictStoreConformance"
import * as VerdictStore from "@qq-mini/core/VerdictStore"
import * as SqliteVerdictStore from "@qq-mini/node/SqliteVerdictStore"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { mkdtempSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll } from "vitest"
import { Redis } from "./support/redis.ts"

let redis: Redis
beforeAll(async () => {
  redis = await Redis.start()
})
afterAll(async () => {
  await redis[Symbol.asyncDispose]()
})

const stores = {
  memory: VerdictStore.layerMemory,
  SQLite: SqliteVerdictStore.layer({ path: join(mkdtempSync(join(tmpdir(), "qq-mini-verdicts-")), "verdicts.sqlite") }),
  Redis: Layer.suspend(() => Layer.provide(RedisVerdictStore.layer(), Layer.orDie(NodeRedis.layer({ url: redis.url }))))
}

for (const [name, store] of Object.entries(stores)) {
  describe(`the contract of verdicts: ${name}`, () => {
    for (const { name, run } of VerdictStoreConformance.cases) it.live(name, () => Effect.provide(run, store))
  })
}
