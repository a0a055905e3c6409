/** The stores of handled messages against their contract, on their real engines. */
import { describe, it } from "@effect/vitest"
import * as PushStore from "@qq-mini/core/PushStore"
import * as PushStoreConformance from "@qq-mini/core/testing/PushStoreConformance"
import * as RedisStores from "@qq-mini/node/RedisStores"
import * as SqlitePushStore from "@qq-mini/node/SqlitePushStore"
import * as DatabasePushStore from "@qq-mini/unicloud/DatabasePushStore"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { mkdtempSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll } from "vitest"
import { Redis } from "./support/redis.ts"
import { connect, type DatabaseServer, startDatabase } from "./unicloud/database.ts"

let redis: Redis
let server: DatabaseServer
beforeAll(async () => {
  redis = await Redis.start()
  server = await startDatabase()
  server.createCollection("qq-mini-tokens")
})
afterAll(async () => {
  await redis[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})

const stores = {
  memory: PushStore.layerMemory,
  SQLite: SqlitePushStore.layer({ path: join(mkdtempSync(join(tmpdir(), "qq-mini-push-")), "push.sqlite") }),
  Redis: Layer.suspend(() => RedisStores.layer({ url: redis.url })),
  "uniCloud's database": DatabasePushStore.layer(() => connect(server))
}

for (const [name, store] of Object.entries(stores)) {
  describe(`the contract of handled messages: ${name}`, () => {
    for (const { name, run } of PushStoreConformance.cases) it.live(name, () => Effect.provide(run, store))
  })
}
