/** T6: the store dies, is slow, loses its content or is cut off; and no call fails that QQ would have answered. */
import { spawnSync } from "node:child_process"
import { mkdtempSync, rmSync, statfsSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "vitest"
import { deploy, type Deployment } from "./support/deployment.ts"
import { sum, type Holder } from "./support/processes.ts"
import { Proxy } from "./support/faultyProxy.ts"
import { Redis } from "./support/redis.ts"

const sleep = (millis: number) => new Promise((resolve) => setTimeout(resolve, millis))

/** The holders are one again: the next death costs one fetch, and all have the same token. */
const oneAgain = async (holders: ReadonlyArray<Holder>, { fetches, openid, sandbox }: Deployment) => {
  const before = await fetches()
  await sandbox.run((platform) => platform.revokeTokens())
  const sent = await Promise.all(holders.map((holder) => holder.send(openid, 20)))
  assert.deepStrictEqual(sum(sent), { NotSubscribed: 20 * holders.length })
  assert.strictEqual(await fetches(), before + 1)
  assert.strictEqual((await tokens(holders)).size, 1)
}

/** Those that fetched for themselves find each other, with no call that helps them. */
const settled = async (holders: ReadonlyArray<Holder>) => {
  while ((await tokens(holders)).size > 1) await sleep(250)
}

const tokens = async (holders: ReadonlyArray<Holder>) =>
  new Set(await Promise.all(holders.map((holder) => holder.token())))

describe.concurrent("T6: Redis", () => {
  it("stopped under load and restarted empty; the token dies meanwhile", async () => {
    await using redis = await Redis.start()
    await deploy(redis.url, async (deployment) => {
      const { fetches, sandbox, start } = deployment
      const holders = await start(4)
      const load = Promise.all(
        holders.map((holder) => holder.check({ millis: 15_000, fibers: 2, pause: 200, deadline: 15_000 }))
      )
      while ((await fetches()) === 0) await sleep(50)
      await redis.stop()
      await sandbox.run((platform) => platform.revokeTokens())
      while (!holders.every(({ events }) => events.includes("StoreLost"))) await sleep(50)
      await redis.start()
      assert.deepStrictEqual(Object.keys(sum(await load)), ["ok"])
      // each of the four may have fetched once for itself
      assert.isAtMost(await fetches(), 1 + 4)
      await settled(holders)
      // whoever filled the empty store again knows that it is back
      assert.isTrue(holders.some(({ events }) => events.includes("StoreBack")))
      await oneAgain(holders, deployment)
    })
  })

  it("hangs, and goes on later with what it was asked long ago", async () => {
    await using redis = await Redis.start()
    await deploy(redis.url, async (deployment) => {
      const { fetches, openid, sandbox, start } = deployment
      const holders = await start(3)
      const send = () => Promise.all(holders.map((holder) => holder.send(openid, 10)))
      assert.deepStrictEqual(sum(await send()), { NotSubscribed: 30 })
      redis.freeze()
      await sandbox.run((platform) => platform.revokeTokens())
      assert.deepStrictEqual(sum(await send()), { NotSubscribed: 30 })
      redis.thaw()
      await settled(holders)
      assert.isAtMost(await fetches(), 1 + 3)
      await oneAgain(holders, deployment)
    })
  })

  it("answers half a second late", async () => {
    await using redis = await Redis.start()
    await using proxy = await Proxy.start(redis.port)
    proxy.delay = 500
    await deploy(`redis://127.0.0.1:${proxy.port}`, async (deployment) => {
      const { fetches, openid, sandbox, start } = deployment
      const holders = await start(4)
      for (const expected of [1, 2]) {
        const sent = await Promise.all(holders.map((holder) => holder.send(openid, 20)))
        assert.deepStrictEqual(sum(sent), { NotSubscribed: 80 })
        const checked = await Promise.all(
          holders.map((holder) => holder.check({ millis: 1_000, fibers: 5, deadline: 15_000 }))
        )
        assert.deepStrictEqual(Object.keys(sum(checked)), ["ok"])
        assert.strictEqual(await fetches(), expected)
        await sandbox.run((platform) => platform.revokeTokens())
      }
    })
  })

  it("is behind a connection that died unnoticed, while calls go on", async () => {
    await using redis = await Redis.start()
    await using proxy = await Proxy.start(redis.port)
    await deploy(`redis://127.0.0.1:${proxy.port}`, async ({ openid, sandbox, start }) => {
      const [holder] = await start(1)
      await holder!.send(openid, 1)
      proxy.silentUpTo = proxy.connections
      await sandbox.run((platform) => platform.revokeTokens())
      while (!holder!.events.includes("StoreBack")) {
        const checked = await holder!.check({ millis: 500, fibers: 1, pause: 600, deadline: 60_000 })
        assert.deepStrictEqual(Object.keys(checked), ["ok"])
      }
    })
  })

  it("is cut off again and again after a script has run and before its answer is there", async () => {
    await using redis = await Redis.start()
    await using proxy = await Proxy.start(redis.port)
    await deploy(
      `redis://127.0.0.1:${proxy.port}`,
      async (deployment) => {
        const { fetches, openid, sandbox, start } = deployment
        const holders = await start(3)
        await Promise.all(holders.map((holder) => holder.send(openid, 1)))
        proxy.cut = 0.3
        // one death and, in the end, another: T7 replaces three in a row, and a holder alone may cause one
        await sandbox.run((platform) => platform.revokeTokens())
        do {
          const load = holders.map((holder) => holder.check({ millis: 2_000, fibers: 3, pause: 50, deadline: 15_000 }))
          assert.deepStrictEqual(Object.keys(sum(await Promise.all(load))), ["ok"])
        } while (proxy.cuts <= 20)
        proxy.cut = 0
        // three for each without the store, and four with it
        assert.isAtMost(await fetches(), 3 * 3 + 4)
        // who never lost the store learns of a newer token when QQ refuses the older one
        while ((await tokens(holders)).size > 1) {
          const sent = await Promise.all(holders.map((holder) => holder.send(openid, 1)))
          assert.deepStrictEqual(sum(sent), { NotSubscribed: 3 })
          await sleep(250)
        }
        await oneAgain(holders, deployment)
      },
      { switches: { oldTokenGrace: 10 } }
    )
  })
})

const env = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" }

/** A disk of its own that can be filled. Where none can be mounted, the files of the processes to come can't grow. */
const smallDisk = () => {
  const path = mkdtempSync(join(tmpdir(), "qq-mini-disk-"))
  const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", "size=512k", "tmpfs", path], { env }).status === 0
  return {
    path,
    /** The largest file, in blocks of 512 bytes: the journal as it is. */
    limit: () => (mounted ? undefined : Math.floor(statSync(join(path, "tokens.sqlite-wal")).size / 512)),
    fill: () => {
      const { bavail, bsize } = statfsSync(path)
      if (mounted) writeFileSync(join(path, "filler"), Buffer.alloc(bavail * bsize))
    },
    free: () => {
      rmSync(join(path, "filler"), { force: true })
      return mounted
    },
    [Symbol.dispose]: () => {
      if (mounted) spawnSync("umount", [path], { env })
      rmSync(path, { recursive: true, force: true })
    }
  }
}

describe("T6: SQLite", () => {
  it("on a disk that is full, and has room again", async () => {
    using disk = smallDisk()
    await deploy(join(disk.path, "tokens.sqlite"), async (deployment) => {
      const { fetches, openid, sandbox, start } = deployment
      const [first] = await start(1)
      // a journal that is larger than the other files
      for (let i = 0; i < 4; i++) {
        assert.deepStrictEqual(await first!.send(openid, 1), { NotSubscribed: 1 })
        if (i < 2) await sandbox.run((platform) => platform.revokeTokens())
      }
      const holders = await start(3, {}, disk.limit())
      const send = () => Promise.all(holders.map((holder) => holder.send(openid, 10)))
      assert.deepStrictEqual(sum(await send()), { NotSubscribed: 30 })
      const before = await fetches()
      disk.fill()
      await sandbox.run((platform) => platform.revokeTokens())
      assert.deepStrictEqual(sum(await send()), { NotSubscribed: 30 })
      for (const { events } of holders) assert.include(events, "StoreLost")
      assert.isAtMost(await fetches(), before + 3)
      if (!disk.free()) return
      await settled(holders)
      await oneAgain(holders, deployment)
    })
  })
})
