/** T1 to T3, T9 and T10 across processes of the operating system, on Redis and on SQLite. */
import { mkdtempSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { deploy } from "./deployment.ts"
import type { Step } from "./holder.ts"
import { sum } from "./processes.ts"
import { Redis } from "./redis.ts"

let redis: Redis
beforeAll(async () => {
  redis = await Redis.start()
})
afterAll(() => redis[Symbol.asyncDispose]())

const stores: Readonly<Record<string, () => string>> = {
  Redis: () => redis.url,
  SQLite: () => join(mkdtempSync(join(tmpdir(), "qq-mini-machines-")), "tokens.sqlite")
}

for (const [name, store] of Object.entries(stores)) {
  describe(`many processes on ${name}`, () => {
    it(
      "T1: 16 processes, 2,000 callers each, cold: 1 getToken; the token revoked under them: 1 more",
      () =>
        deploy(store(), async ({ fetches, openid, sandbox, start }) => {
          const holders = await start(16, { patient: true })
          // getToken takes its time, so that all of them come upon it
          await sandbox.run((platform) =>
            platform.fault({ kind: "slowHeaders", endpoint: "auth.getAccessToken", times: 9, delay: "1 second" })
          )
          const send = (times: number) => Promise.all(holders.map((holder) => holder.send(openid, times)))
          assert.deepStrictEqual(sum(await send(2_000)), { NotSubscribed: 32_000 })
          assert.strictEqual(await fetches(), 1)
          await sandbox.run((platform) => platform.revokeTokens())
          assert.deepStrictEqual(sum(await send(200)), { NotSubscribed: 3_200 })
          assert.strictEqual(await fetches(), 2)
          const tokens = await Promise.all(holders.map((holder) => holder.token()))
          assert.strictEqual(new Set(tokens).size, 1)
        }),
      240_000
    )

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
        await victim![Symbol.asyncDispose]()
        assert.deepStrictEqual(sum(await sending), { NotSubscribed: 30 })
        assert.strictEqual(await fetches(), expected)
        assert.strictEqual(new Set(await Promise.all(others.map((holder) => holder.token()))).size, 1)
      })
    )

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

// most of it is waiting
describe.concurrent("many processes while time passes", () => {
  it.each(Object.entries(stores))(
    "%s: T7: a thief, again and again: calls succeed or say TokenContested, and the fetches of all together end",
    (_, store) =>
      deploy(
        store(),
        async ({ fetches, sandbox, start }) => {
          const holders = await start(3)
          const checks = Promise.all(holders.map((holder) => holder.check({ millis: 20_000, fibers: 2, pause: 200 })))
          for (let theft = 0; theft < 7; theft++) {
            await new Promise((resolve) => setTimeout(resolve, 2_500))
            await sandbox.run((platform) => platform.stealToken())
          }
          assert.deepStrictEqual(Object.keys(sum(await checks)).toSorted(), ["TokenContested", "ok"])
          // one for each, were it too busy to hear of the store
          assert.isAtMost(await fetches(), 4 + 3)
          assert.include(
            holders.flatMap(({ events }) => events),
            "Contested"
          )
        },
        { switches: { oldTokenGrace: 0 } }
      )
  )

  it.each(Object.entries(stores))(
    "%s: T8: ahead of the end one process renews, and no caller of any waits for it",
    (_, store) =>
      deploy(
        store(),
        async ({ fetches, sandbox, start }) => {
          const holders = await start(4)
          await holders[0]!.token()
          // slower than the callers have time
          await sandbox.run((platform) =>
            platform.fault({ kind: "slowHeaders", endpoint: "auth.getAccessToken", times: 9, delay: "1500 millis" })
          )
          const checks = holders.map((holder) =>
            holder.check({ millis: 33_000, fibers: 1, pause: 100, deadline: 1_400 })
          )
          assert.deepStrictEqual(Object.keys(sum(await Promise.all(checks))), ["ok"])
          assert.strictEqual(await fetches(), 2)
          const events = holders.flatMap((holder) => holder.events)
          assert.deepStrictEqual(events.toSorted(), ["Fetched", "Renewed"])
        },
        { switches: { tokenLifetime: 30 } }
      )
  )
})
