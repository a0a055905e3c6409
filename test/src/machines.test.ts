/** T1 to T3, T9 and T10 across processes of the operating system, on Redis and on SQLite. */
import { mkdtempSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { createClient } from "redis"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { deploy } from "./support/deployment.ts"
import type { Step } from "./support/holder.ts"
import { sum } from "./support/processes.ts"
import { Redis } from "./support/redis.ts"

let redis: Redis
beforeAll(async () => {
  redis = await Redis.start("--databases", "64")
})
afterAll(() => redis[Symbol.asyncDispose]())

let databases = 0
/** A store of one's own for each test. */
const stores: Readonly<Record<string, () => string>> = {
  Redis: () => `${redis.url}/${databases++}`,
  SQLite: () => join(mkdtempSync(join(tmpdir(), "qq-mini-machines-")), "tokens.sqlite")
}

for (const [name, store] of Object.entries(stores)) {
  describe(`many processes on ${name}`, () => {
    it(
      "T1: 16 processes, one with 1,000 callers and each other with 20, cold: 1 getToken; the token revoked under them: 1 more",
      () =>
        deploy(store(), async ({ fetches, openid, sandbox, start }) => {
          const holders = await start(16, { maxInFlight: 8 })
          // getToken takes its time, so that all of them come upon it
          await sandbox.run((platform) =>
            platform.fault({ kind: "slowHeaders", endpoint: "auth.getAccessToken", times: 9, delay: "1 second" })
          )
          // 1,000 callers that start in one turn of an event loop delay the fetch, if that process leases first
          const send = (first: number) =>
            Promise.all(holders.map((holder, i) => holder.send(openid, i === 0 ? first : 20)))
          assert.deepStrictEqual(sum(await send(1_000)), { NotSubscribed: 1_300 })
          assert.strictEqual(await fetches(), 1)
          await sandbox.run((platform) => platform.revokeTokens())
          assert.deepStrictEqual(sum(await send(20)), { NotSubscribed: 320 })
          assert.strictEqual(await fetches(), 2)
          const tokens = await Promise.all(holders.map((holder) => holder.token()))
          assert.strictEqual(new Set(tokens).size, 1)
        }),
      240_000
    )
  })

  // most of it is waiting for a lease to end
  describe.concurrent(`processes that die, freeze and disagree on ${name}`, () => {
    const steps: ReadonlyArray<readonly [Step, fetches: number]> = [
      ["before the lease", 1],
      ["after the lease", 1],
      // QQ gave one that nobody will ever have
      ["after QQ answered", 2],
      ["after the write", 1]
    ]
    it.each(steps)("T9: kill -9 of the holder %s: the others go on, with one token", (stopAt, expected) =>
      deploy(store(), async ({ fetches, openid, start }) => {
        const [[victim], others] = await Promise.all([start(1, { stopAt }), start(3)])
        void victim!.send(openid, 10).catch(() => {})
        assert.strictEqual(await victim!.stopped, stopAt)
        const sending = Promise.all(others.map((holder) => holder.send(openid, 10)))
        await victim!.kill()
        assert.deepStrictEqual(sum(await sending), { NotSubscribed: 30 })
        assert.strictEqual(await fetches(), expected)
        assert.strictEqual(new Set(await Promise.all(others.map((holder) => holder.token()))).size, 1)
      })
    )

    it("T1: a holder whose event loop stands still for longer than the lease, before it asks, does not ask", () =>
      deploy(store(), async ({ fetches, openid, start }) => {
        const [[slow], others] = await Promise.all([start(1, { stallAfterLease: 8_000 }), start(2)])
        const late = slow!.send(openid, 5)
        assert.strictEqual(await slow!.stopped, "after the lease")
        const sent = sum(await Promise.all([late, ...others.map((holder) => holder.send(openid, 5))]))
        assert.deepStrictEqual(sent, { NotSubscribed: 15 })
        // who fetched, and whether a store was lost on the way
        const events = [slow!, ...others].map((holder) => holder.events)
        assert.strictEqual(await fetches(), 1, JSON.stringify(events))
      }))

    it("T2, T9: a holder that is frozen in its fetch blocks nobody for long, and brings no old token back", () =>
      deploy(store(), async ({ fetches, openid, sandbox, start }) => {
        const [frozen, ...others] = await start(3)
        await sandbox.run((platform) =>
          platform.fault({ kind: "slowHeaders", endpoint: "auth.getAccessToken", delay: "1 second" })
        )
        const late = frozen!.send(openid, 5)
        while ((await fetches()) === 0) await new Promise((resolve) => setTimeout(resolve, 10))
        frozen!.freeze()
        assert.deepStrictEqual(sum(await Promise.all(others.map((holder) => holder.send(openid, 5)))), {
          NotSubscribed: 10
        })
        assert.strictEqual(await fetches(), 2)
        const token = await others[0]!.token()
        frozen!.thaw()
        assert.deepStrictEqual(await late, { NotSubscribed: 5 })
        const tokens = await Promise.all([frozen!, ...others].map((holder) => holder.token()))
        assert.deepStrictEqual(tokens, [token, token, token])
        assert.strictEqual(await fetches(), 2)
      }))

    it("T1, T2, T3, T10: processes whose clocks are an hour apart", () =>
      deploy(store(), async ({ fetches, openid, sandbox, start }) => {
        const clocks = [-3_600_000, 0, 3_600_000]
        const holders = (await Promise.all(clocks.map((clock) => start(1, { clock })))).flat()
        for (let round = 1; round <= 3; round++) {
          // each time another one is first
          const first = holders[round - 1]!
          assert.deepStrictEqual(await first.send(openid, 5), { NotSubscribed: 5 })
          const all = await Promise.all(holders.map((holder) => holder.send(openid, 5)))
          assert.deepStrictEqual(sum(all), { NotSubscribed: 15 })
          assert.strictEqual(await fetches(), round)
          assert.strictEqual(new Set(await Promise.all(holders.map((holder) => holder.token()))).size, 1)
          await sandbox.run((platform) => platform.revokeTokens())
        }
      }))
  })
}

/** Leaves a token in a store only 200 of its 7,200 seconds. */
const age = async (store: string): Promise<void> => {
  const left = 200_000
  if (store.startsWith("redis:")) {
    const client = createClient({ url: store })
    await client.connect()
    for (const key of await client.keys("qq-mini:token:*")) {
      await client.hSet(key, "expires", String(Date.now() + left))
    }
    return client.close()
  }
  const database = new DatabaseSync(store, { timeout: 5_000 })
  database.prepare("UPDATE slot SET expires = ?").run(Date.now() + left)
  database.close()
}

describe.concurrent.each(Object.entries(stores))("many processes while time passes, on %s", (_, store) => {
  it("T7: a thief, again and again: calls succeed or say TokenContested, and the fetches of all together end", () =>
    deploy(
      store(),
      async ({ fetches, openid, sandbox, start }) => {
        const holders = await start(3)
        const outcomes = new Set<string>()
        for (let theft = 0; theft < 7; theft++) {
          const sent = sum(await Promise.all(holders.map((holder) => holder.send(openid, 2))))
          for (const outcome of Object.keys(sent)) outcomes.add(outcome)
          await sandbox.run((platform) => platform.stealToken())
        }
        // QQ's own answer, or that the token is contested
        assert.deepStrictEqual([...outcomes].toSorted(), ["NotSubscribed", "TokenContested"])
        // one for each, were it too busy to hear of the store
        assert.isAtMost(await fetches(), 4 + 3)
        assert.include(
          holders.flatMap(({ events }) => events),
          "Contested"
        )
      },
      { switches: { oldTokenGrace: 0 } }
    ))

  it("T8: ahead of the end one process renews, and no caller of any waits for it", () => {
    const where = store()
    return deploy(where, async ({ fetches, openid, sandbox, start }) => {
      const [first] = await start(1)
      await first!.token()
      await age(where)
      // Longer than any call may take, so that a call that waited for it would be noticed.
      await sandbox.run((platform) =>
        platform.fault({ kind: "slowHeaders", endpoint: "auth.getAccessToken", times: 9, delay: "10 minutes" })
      )
      const holders = await start(4)
      const send = async () =>
        assert.deepStrictEqual(sum(await Promise.all(holders.map((holder) => holder.send(openid, 5)))), {
          NotSubscribed: 20
        })
      // a process's first calls find the token, and a later one begins the renewal
      while ((await fetches()) < 2) await send()
      await send()
      assert.strictEqual(await fetches(), 2)
    })
  })
})
