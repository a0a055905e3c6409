/** Redis as it is run: clusters and Sentinels, their failovers, and clients that the app makes itself. */
import { assert, describe, it } from "@effect/vitest"
import type { Limit } from "@qq-mini/core/Limit"
import type { QQError } from "@qq-mini/core/QQError"
import * as QuotaConformance from "@qq-mini/core/testing/QuotaConformance"
import * as TokenCacheConformance from "@qq-mini/core/testing/TokenCacheConformance"
import { createQQMini } from "@qq-mini/node"
import * as RedisStores from "@qq-mini/node/RedisStores"
import { defaultPrograms } from "@qq-mini/sandbox/Sandbox"
import * as SandboxServer from "@qq-mini/sandbox/SandboxServer"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { Redis as RedisService } from "effect/persistence/Redis"
import { Cluster as IoCluster, Redis as IoRedis } from "ioredis"
import { createClient, createClientPool, createCluster, createSentinel } from "redis"
import { afterAll, beforeAll } from "vitest"
import { deploy } from "./support/deployment.ts"
import { remaining, reserve } from "./support/places.ts"
import { sum } from "./support/processes.ts"
import { cases as queueCases, opening } from "./support/queueCases.ts"
import { overRedis } from "./support/queueStores.ts"
import type { Redis } from "./support/redis.ts"
import { Cluster, Sentinels } from "./support/redisGroups.ts"

const sleep = (millis: number) => new Promise((resolve) => setTimeout(resolve, millis))

let cluster: Cluster
let sentinels: Sentinels
beforeAll(async () => {
  cluster = await Cluster.start()
  sentinels = await Sentinels.start()
})
afterAll(async () => {
  await cluster[Symbol.asyncDispose]()
  await sentinels[Symbol.asyncDispose]()
})

describe("the contract", () => {
  const stores = {
    "a cluster": Layer.suspend(() => RedisStores.layer({ url: cluster.masters[0]!.url })),
    Sentinel: Layer.suspend(() => RedisStores.layer({ url: sentinels.url }))
  }
  describe.each(Object.entries(stores))("%s", (_, store) => {
    for (const { name, run } of TokenCacheConformance.cases) it.live(name, () => Effect.provide(run, store))
    for (const { name, run } of QuotaConformance.cases) it.live(name, () => Effect.provide(run, store))
  })
})

const nodeOf = ({ port }: Redis) => ({ host: "127.0.0.1", port })

/** Clients as apps make them, each with the function that closes it. */
const clients: Readonly<Record<string, () => Promise<readonly [RedisStores.Client, () => unknown]>>> = {
  "a client of redis": async () => {
    const client = await createClient({ url: sentinels.master.url }).connect()
    return [client, () => client.destroy()]
  },
  "a pool of redis": async () => {
    const client = createClientPool({ url: sentinels.master.url })
    await client.connect()
    return [client, () => client.destroy()]
  },
  "a cluster of redis": async () => {
    const client = createCluster({ rootNodes: [{ url: cluster.masters[0]!.url }] })
    await client.connect()
    return [client, () => client.destroy()]
  },
  "a Sentinel of redis": async () => {
    const client = createSentinel({ name: "mymaster", sentinelRootNodes: sentinels.sentinels.map(nodeOf) })
    await client.connect()
    return [client, () => client.destroy()]
  },
  "a client of ioredis": async () => {
    const client = new IoRedis(sentinels.master.port, "127.0.0.1")
    return [client, () => client.disconnect()]
  },
  "a cluster of ioredis": async () => {
    const client = new IoCluster([nodeOf(cluster.masters[0]!)])
    return [client, () => client.disconnect()]
  },
  "a Sentinel of ioredis": async () => {
    const client = new IoRedis({ name: "mymaster", sentinels: sentinels.sentinels.map(nodeOf) })
    return [client, () => client.disconnect()]
  }
}

describe("T1: a client that the app made shares the token, is told of it, and stays open", () => {
  it.each(Object.entries(clients))("%s", async (_, make) => {
    const [client, close] = await make()
    try {
      await using sandbox = await SandboxServer.start()
      const create = () =>
        createQQMini({ apps: defaultPrograms, baseUrl: sandbox.url, store: RedisStores.fromClient(client) })
      await sandbox.run((platform) =>
        platform.fault({ kind: "slowHeaders", endpoint: "auth.getAccessToken", delay: "1 second" })
      )
      {
        await using one = create()
        await using other = create()
        const [a, b] = await Promise.all([one.auth.getAccessToken(), other.auth.getAccessToken()])
        assert.strictEqual(a, b)
      }
      assert.strictEqual(await sandbox.run((platform) => platform.count("auth.getAccessToken")), 1)
      await Effect.runPromise(Effect.provide(TokenCacheConformance.cases[0]!.run, RedisStores.fromClient(client)))
    } finally {
      await close()
    }
  })
})

describe("a queue whose keys have one hash tag", () => {
  const sources: Readonly<Record<string, () => Layer.Layer<RedisService, QQError>>> = {
    "a cluster": () => RedisStores.layerRedis({ url: cluster.url }),
    Sentinel: () => RedisStores.layerRedis({ url: sentinels.url })
  }
  describe.each(Object.entries(sources))("on %s", (_, redis) => {
    const open = opening((times) => overRedis(redis(), times))
    for (const { name, run } of queueCases) it.live(name, () => Effect.scoped(run(open)))
  })

  for (const [name, make] of Object.entries(clients)) {
    it.live(`over ${name}`, () =>
      Effect.acquireUseRelease(
        Effect.promise(make),
        ([client]) => {
          const open = opening((times) => overRedis(RedisStores.layerRedisFromClient(client), times))
          return Effect.forEach(queueCases, ({ run }) => Effect.scoped(run(open)))
        },
        ([, close]) => Effect.promise(async () => close())
      )
    )
  }
})

describe("an address of another kind is named, with the way to write it", () => {
  const failure = async (store: string): Promise<QQError> => {
    await using qq = createQQMini({ appid: "1112345678", appsecret: "x", baseUrl: "http://127.0.0.1:9", store })
    return await qq.auth.getAccessToken().then(
      () => assert.fail("it was taken"),
      (error) => error
    )
  }
  const cases: ReadonlyArray<readonly [name: string, store: () => string, en: string, zh: string]> = [
    ["a Sentinel's port", () => sentinels.sentinels[0]!.url, "redis+sentinel://host:26379/mymaster", "哨兵"],
    ["a replica", () => sentinels.replica.url, "is a replica", "从节点"],
    [
      "Redis as a Sentinel",
      () => `redis+sentinel://${sentinels.master.address}/mymaster`,
      "not a Sentinel",
      "不是哨兵"
    ],
    ["an unknown master", () => sentinels.url.replace("mymaster", "other"), "no master of this name", "主节点"],
    ["no name of a master", () => sentinels.url.replace("/mymaster", ""), "redis+sentinel://host1", "哨兵"],
    ["one server as a cluster", () => `redis+cluster://${sentinels.master.address}`, "is not a cluster", "不是集群"],
    ["a database of a cluster", () => `${cluster.url}/1`, "only database 0", "数据库编号"],
    ["a database of a cluster's node", () => `${cluster.masters[0]!.url}/1`, "only database 0", "数据库编号"],
    ["an address over HTTP", () => "https://name.upstash.io", "upstash({ url, token })", "HTTP 地址"],
    ["a Unix socket", () => "unix:///run/redis.sock", "Unix socket", "套接字"]
  ]
  it.each(cases)("%s", async (_, store, en, zh) => {
    const { message, reason } = await failure(store())
    assert.strictEqual(reason._tag, "InvalidConfig", message)
    for (const part of ["store (QQ_STORE)", en, zh]) assert.include(message, part)
  })

  it("a server of HTTP", async () => {
    await using sandbox = await SandboxServer.start()
    assert.include((await failure(sandbox.url.replace("http", "redis"))).message, "is not Redis")
  })

  it("a client of one server for a cluster", async () => {
    // One of two masters has not the slot of the first command.
    const messages = await Promise.all(
      cluster.masters.map(async ({ url }) => {
        const client = await createClient({ url }).connect()
        const store = RedisStores.fromClient(client)
        const error = await Effect.runPromise(Effect.flip(Effect.scoped(Layer.build(store)))).catch(() => undefined)
        client.destroy()
        return error?.message ?? ""
      })
    )
    assert.isTrue(messages.some((message) => message.includes("node of a cluster")))
  })
})

describe("a cluster moves keys to another node", () => {
  const otherThan = (master: Redis) => cluster.masters.find((one) => one !== master)!

  it("T1: no call fails, no process loses the store, one fetch for each token", () =>
    deploy(cluster.url, async ({ fetches, openid, sandbox, start }) => {
      const holders = await start(3)
      const send = async () => sum(await Promise.all(holders.map((holder) => holder.send(openid, 10))))
      assert.deepStrictEqual(await send(), { NotSubscribed: 30 })
      const { keys, master } = await cluster.find("qq-mini:token:*")
      const other = otherThan(master)
      for (const [from, to] of [
        [master, other],
        [other, master]
      ] as const) {
        await cluster.move(keys[0]!, from, to, async () => {
          await sandbox.run((platform) => platform.revokeTokens())
          assert.deepStrictEqual(await send(), { NotSubscribed: 30 })
        })
        assert.deepStrictEqual(await send(), { NotSubscribed: 30 })
      }
      assert.strictEqual(await fetches(), 3)
      for (const { events } of holders) assert.notInclude(events, "StoreLost")
    }))

  it.live("Q1: a quota is counted by all, though its keys are at two nodes for a moment", () =>
    Effect.gen(function* () {
      const limits: ReadonlyArray<Limit> = [{ max: 1_000, window: 600_000, scope: "app", enforcedBy: "client" }]
      const layer = Layer.fresh(RedisStores.layer({ url: cluster.url }))
      const [one, other] = [yield* Layer.build(layer), yield* Layer.build(layer)]
      yield* Effect.provide(reserve("moved", limits), one)
      const { keys, master } = yield* Effect.promise(() => cluster.find("qq-mini:quota:*moved*"))
      let [from, to] = [master, otherThan(master)]
      const takenByAll = Effect.gen(function* () {
        const before = yield* Effect.provide(remaining("moved", limits), other)
        yield* Effect.promise(async () => {
          let place: Promise<unknown> | undefined
          await to.ask("CONFIG", "RESETSTAT")
          await cluster.move(keys[0]!, from, to, async () => {
            const state = { ended: false }
            place = Effect.runPromise(Effect.provide(reserve("moved", limits), one)).finally(() => (state.ended = true))
            // Until the node has refused the script once.
            while (!state.ended && !String(await to.ask("INFO", "errorstats")).includes("TRYAGAIN")) await sleep(5)
          })
          await place
        })
        ;[from, to] = [to, from]
        return (yield* Effect.provide(remaining("moved", limits), other)) === before - 1
      })
      // On a busy machine the move may take so long that the process counts this place alone, and for a second after.
      for (let tries = 1; !(yield* takenByAll); tries++) {
        assert.isBelow(tries, 10)
        yield* Effect.sleep("1 second")
      }
    }).pipe(Effect.scoped)
  )
})

/** An address, and what there is to do before its master can die. */
interface Group {
  readonly url: () => string
  readonly pair: () => Promise<{ readonly master: Redis; readonly replica: Redis }>
}

const groups: Readonly<Record<string, Group>> = {
  "a cluster, of which one node is known": {
    url: () => cluster.masters[0]!.url,
    pair: async () => {
      const { master } = await cluster.find("qq-mini:token:*")
      await cluster.replicate(master)
      return { master, replica: cluster.spare }
    }
  },
  Sentinel: { url: () => sentinels.url, pair: () => Promise.resolve(sentinels) }
}

describe("T1, T6: a master dies under load: no call fails, and all are one again at the next master", () => {
  it.each(Object.entries(groups))("%s", async (_, { pair, url }) => {
    await deploy(url(), async ({ fetches, openid, sandbox, start }) => {
      const holders = await start(3)
      const tokens = async () => new Set(await Promise.all(holders.map((holder) => holder.token())))
      const send = async () => sum(await Promise.all(holders.map((holder) => holder.send(openid, 10))))
      assert.deepStrictEqual(await send(), { NotSubscribed: 30 })
      assert.strictEqual(await fetches(), 1)
      const { master, replica } = await pair()
      await master.stop()
      await sandbox.run((platform) => platform.revokeTokens())
      do {
        const checks = holders.map((holder) => holder.check({ millis: 500, fibers: 2, pause: 50, deadline: 60_000 }))
        assert.deepStrictEqual(Object.keys(sum(await Promise.all(checks))), ["ok"])
      } while (!String(await replica.ask("INFO", "replication")).includes("role:master"))
      while ((await tokens()).size > 1) await sleep(250)
      // each may have fetched once for itself
      assert.isAtMost(await fetches(), 1 + holders.length)
      const before = await fetches()
      await sandbox.run((platform) => platform.revokeTokens())
      assert.deepStrictEqual(await send(), { NotSubscribed: 30 })
      assert.strictEqual(await fetches(), before + 1)
      assert.strictEqual((await tokens()).size, 1)
    })
  })
})
