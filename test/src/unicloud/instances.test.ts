/** T1 to T3 and T9 across instances of cloud functions: the delivered file in processes of Node 16, 18 and 20. */
import * as SandboxServer from "@qq-mini/sandbox/SandboxServer"
import { mkdtempSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { assert, beforeAll, describe, it } from "vitest"
import { deliver } from "../../../packages/unicloud/delivery/build.ts"
import { Holder, sum } from "../support/processes.ts"
import { type DatabaseServer, startDatabase } from "./database.ts"
import { nodeBinary } from "./unicloud.ts"

const program = fileURLToPath(new URL("instance.cjs", import.meta.url))
const collections = {
  database: "qq-mini-tokens",
  "opendb-open-data": "opendb-open-data",
  "vk-global-data": "vk-global-data"
} as const
type Store = keyof typeof collections

let file: string
beforeAll(async () => {
  file = await deliver(mkdtempSync(join(tmpdir(), "qq-mini-unicloud-")))
})

const programs = Array.from({ length: 16 }, (_, i) => ({
  appid: `111234560${i.toString(16)}`,
  appsecret: `theSecretOfProgram${i}`
}))
const [{ appid }] = programs as [(typeof programs)[number]]

interface Space {
  readonly sandbox: SandboxServer.Running
  readonly database: DatabaseServer
  /** How often getToken was called for a program. */
  readonly fetches: (appid: string) => Promise<number>
  readonly start: (count: number, more?: { readonly stopAt?: number }) => Promise<Array<Holder>>
}

/** A service space: a database, a platform, and instances of the three Nodes in turn. */
const space = async (store: Store, body: (space: Space) => Promise<void>) => {
  await using database = await startDatabase()
  database.createCollection(collections[store])
  await using sandbox = await SandboxServer.start({ programs, switches: { oldTokenGrace: 0 } })
  await using instances = new AsyncDisposableStack()
  let started = 0
  const startOne = async (more: { readonly stopAt?: number }) => {
    const node = nodeBinary(([16, 18, 20] as const)[started++ % 3]!)
    const config = { file, baseUrl: sandbox.url, database: database.url, store, apps: programs, ...more }
    return instances.use(await Holder.begin([node, program], config, more.stopAt === undefined))
  }
  await body({
    sandbox,
    database,
    fetches: async (appid) =>
      (await sandbox.run((platform) => platform.log)).filter(
        (entry) => entry.endpoint === "auth.getAccessToken" && entry.appid === appid
      ).length,
    start: (count, more = {}) => Promise.all(Array.from({ length: count }, () => startOne(more)))
  })
}

const all = async <A>(instances: ReadonlyArray<Holder>, command: object): Promise<Array<A>> =>
  Promise.all(instances.map((one) => one.ask(command)))

const slowToken = { kind: "slowHeaders", endpoint: "auth.getAccessToken", delay: "1 second" } as const

for (const store of Object.keys(collections) as Array<Store>) {
  describe(`instances of cloud functions on ${store}`, () => {
    it("T1, T3: 9 processes, 50 callers each, cold: 1 getToken; the token revoked under them: 1 more", () =>
      space(store, async ({ fetches, sandbox, start }) => {
        const instances = await start(9)
        await sandbox.run((platform) => platform.fault({ ...slowToken, times: 9 }))
        const checks = async (times: number) => sum(await all(instances, { do: "checks", appid, times }))
        assert.deepStrictEqual(await checks(50), { ok: 450 })
        assert.strictEqual(await fetches(appid), 1)
        await sandbox.run((platform) => platform.revokeTokens(appid))
        assert.deepStrictEqual(await checks(20), { ok: 180 })
        assert.strictEqual(await fetches(appid), 2)
        assert.strictEqual(new Set(await all(instances, { do: "token", appid })).size, 1)
      }))

    // most of it is waiting for a lease to end
    it.concurrent("T9: kill -9 before each operation of the database: the others go on, with one token", () =>
      space(store, async ({ fetches, start }) => {
        const others = await start(2)
        const killed = await Promise.all(
          programs.map(async ({ appid }, i) => {
            const [victim] = (await start(1, { stopAt: i + 1 })) as [Holder]
            const call = victim.ask({ do: "checks", appid, times: 5 }).catch(() => {})
            // with fewer operations it comes to its end
            const step = await Promise.race([victim.stopped, call.then(() => undefined)])
            const calls = all<Record<string, number>>(others, { do: "checks", appid, times: 5 })
            await victim.kill()
            assert.deepStrictEqual(sum(await calls), { ok: 10 }, `operation ${step}`)
            assert.isAtMost(await fetches(appid), 2, `operation ${step}`)
            assert.strictEqual(new Set(await all(others, { do: "token", appid })).size, 1)
            return step
          })
        )
        assert.isAtLeast(killed.filter((step) => step !== undefined).length, 6)
      }))

    it.concurrent("T2, T9: an instance that is frozen in its fetch blocks nobody for long, and brings no old token back", () =>
      space(store, async ({ fetches, sandbox, start }) => {
        const [frozen, ...others] = (await start(3)) as [Holder, Holder, Holder]
        await sandbox.run((platform) => platform.fault(slowToken))
        const late = frozen.ask({ do: "checks", appid, times: 5 })
        while ((await fetches(appid)) === 0) await new Promise((resolve) => setTimeout(resolve, 10))
        frozen.freeze()
        assert.deepStrictEqual(sum(await all(others, { do: "checks", appid, times: 5 })), { ok: 10 })
        assert.strictEqual(await fetches(appid), 2)
        const token = await others[0].ask({ do: "token", appid })
        frozen.thaw()
        assert.deepStrictEqual(await late, { ok: 5 })
        assert.deepStrictEqual(await all([frozen, ...others], { do: "token", appid }), [token, token, token])
        assert.strictEqual(await fetches(appid), 2)
      }))
  })
}

describe("beside a vk that still runs", () => {
  it("T1: its tokens are everybody's: no call fails, and nobody fetches after it", () =>
    space("vk-global-data", async ({ database, fetches, sandbox, start }) => {
      const instances = await start(3)
      const checks = async () => sum(await all(instances, { do: "checks", appid, times: 5 }))
      assert.deepStrictEqual(await checks(), { ok: 15 })
      for (let round = 0; round < 5; round++) {
        const value = await sandbox.run((platform) => platform.stealToken(appid))
        const now = Date.now()
        const _id = `mp-qq-access_token-${appid}`
        database.put("vk-global-data", { _id, key: _id, value, expired_at: now + 240_000, _add_time: now })
        assert.deepStrictEqual(await checks(), { ok: 15 })
      }
      assert.strictEqual(await fetches(appid), 1)
    }))
})
