/** Requests on real workerd, each in a room of its own: some end early, some are forgotten, and the others go on. */
import { assert, describe, it } from "vitest"
import { pause, until, visit, visitAndLeave } from "./visitors.ts"
import { instrumented, startWorkers, type Workers } from "./workers.ts"

const ok = '200 {"ok":true}'
const passed = '200 {"risky":false}'

/** That nothing of one request was touched for another, and nobody was left hanging. */
const assertApart = ({ said }: Workers): void =>
  assert.notMatch(said(), /different request|hung|never generate a response|deadlock/i)

// most of it is waiting
describe.concurrent("requests of one Worker", () => {
  it("T9: visitors who leave take nobody with them", async () => {
    await using workers = await startWorkers(instrumented)
    const { sandbox } = workers.harness
    for (let round = 0; round < 3; round++) {
      await sandbox.run((platform) => platform.revokeTokens())
      const delay = "500 millis"
      await sandbox.run((platform) => platform.fault({ kind: "slowHeaders", endpoint: "auth.getAccessToken", delay }))
      const leaving = await Promise.all(Array.from({ length: 30 }, () => visitAndLeave(workers, "/check")))
      const staying = Array.from({ length: 30 }, () => visit(workers, "/check"))
      await pause(200)
      for (const leave of leaving) leave()
      assert.deepStrictEqual([...new Set(await Promise.all(staying))], [passed])
      // the rest of who left is over before the next ones come
      await pause(500)
    }
    assertApart(workers)
  })

  it("T9: with ctx.waitUntil the fetch for all comes to its end though who began it leaves", async () => {
    await using workers = await startWorkers(instrumented)
    const { sandbox } = workers.harness
    const delay = "2 seconds"
    await sandbox.run((platform) => platform.fault({ kind: "slowHeaders", endpoint: "auth.getAccessToken", delay }))
    const leave = await visitAndLeave(workers, "/check")
    await until(async () => (await workers.fetches()) === 1)
    const others = [visit(workers, "/check"), visit(workers, "/check")]
    leave()
    assert.deepStrictEqual(await Promise.all(others), [passed, passed])
    assert.strictEqual(await workers.fetches(), 1)
    assertApart(workers)
  })

  it("T9: who leaves in the middle of the fetch for all holds it up no longer than the lease", async () => {
    await using workers = await startWorkers(instrumented)
    const { sandbox } = workers.harness
    await sandbox.run((platform) =>
      platform.fault({ kind: "slowHeaders", endpoint: "auth.getAccessToken", delay: "1 minute" })
    )
    // without waitUntil, and unable to end what it began
    const leave = await visitAndLeave(workers, "/forgotten")
    await until(async () => (await workers.fetches()) === 1)
    const others = [visit(workers, "/health"), visit(workers, "/health")]
    leave()
    assert.deepStrictEqual(await Promise.all(others), [ok, ok])
    assert.strictEqual(await workers.fetches(), 2)
    assertApart(workers)
  })

  it("a visitor who leaves ends the connection to QQ", async () => {
    await using workers = await startWorkers(instrumented)
    const { stalls } = workers.harness
    const leave = await visitAndLeave(workers, "/left")
    assert.isTrue(await stalls.until("left", "come"))
    leave()
    assert.isTrue(await stalls.until("left", "gone"))
  })

  it("visitors who leave in the middle of their answers disturb nobody", async () => {
    await using workers = await startWorkers(instrumented)
    const { sandbox } = workers.harness
    assert.strictEqual(await visit(workers, "/health"), ok)
    const { openid } = await sandbox.run((platform) => platform.login())
    const body = JSON.stringify({ openid, template_id: "any" })
    await sandbox.run((platform) =>
      platform.fault({ kind: "slowBody", endpoint: "subscribeMessage.send", delay: "1 minute", times: 8 })
    )
    const leaving = await Promise.all(Array.from({ length: 8 }, () => visitAndLeave(workers, "/remind", body)))
    await until(async () => (await sandbox.run((platform) => platform.count("subscribeMessage.send"))) === 8)
    for (const leave of leaving) leave()
    const next = await Promise.all(Array.from({ length: 20 }, () => visit(workers, "/health")))
    assert.deepStrictEqual([...new Set(next)], [ok])
    assertApart(workers)
  })

  it("visitors who are forgotten, more than would be let out at once elsewhere, hold up nobody", async () => {
    await using workers = await startWorkers(instrumented)
    const { sandbox } = workers.harness
    assert.strictEqual(await visit(workers, "/forgotten"), passed)
    const count = () => sandbox.run((platform) => platform.count("security.msgSecCheck"))
    const before = await count()
    await sandbox.run((platform) =>
      platform.fault({ kind: "slowBody", endpoint: "security.msgSecCheck", delay: "1 minute", times: 70 })
    )
    const leaving = await Promise.all(Array.from({ length: 70 }, () => visitAndLeave(workers, "/forgotten")))
    await until(async () => (await count()) >= before + 70)
    for (const leave of leaving) leave()
    assert.strictEqual(await visit(workers, "/forgotten"), passed)
    assertApart(workers)
  })

  it("T5: a wrong secret costs each Worker one getToken", async () => {
    const count = 4
    await using workers = await startWorkers(instrumented, { count, bindings: { QQ_APPSECRET: "wrong" } })
    const told = await Promise.all(
      Array.from({ length: 40 }, async (_, i) => (await workers.ask(i % count, "/health")).status)
    )
    assert.deepStrictEqual([...new Set(told)], [503])
    assert.isAtMost(await workers.fetches(), count)
  })

  it("says what is missing when the class is not bound", async () => {
    await using workers = await startWorkers(instrumented)
    const told = await (await workers.ask(0, "/unbound")).text()
    assert.match(told, /InvalidConfig: store: has no Durable Object: bind the class in wrangler\.jsonc/)
    assert.match(told, /请在 wrangler\.jsonc 中绑定该类/)
  })

  it("does without a store, each Worker with a token of its own", async () => {
    await using workers = await startWorkers(instrumented)
    const told = await Promise.all(
      Array.from({ length: 20 }, async () => (await workers.ask(0, "/memory", { method: "POST", body: "x" })).json())
    )
    assert.deepStrictEqual([...new Set(told.map((one: any) => one.risky))], [false])
    assert.match(workers.said(), /tokens are kept in this isolate alone: give a store/)
    assert.strictEqual(await workers.fetches(), 1)
  })
})

// most of it is waiting
describe.concurrent("renewal ahead of a token's end", () => {
  const generation = async (workers: Workers) => (await workers.ask(0, "/generation")).text()
  const slow = (workers: Workers, delay: `${number} seconds`) =>
    workers.harness.sandbox.run((platform) =>
      platform.fault({ kind: "slowHeaders", endpoint: "auth.getAccessToken", delay })
    )
  const check = async (workers: Workers, worker: number) =>
    assert.deepStrictEqual(await (await workers.ask(worker, "/check")).json(), { risky: false })

  it("T8: with ctx.waitUntil it goes on after the answer", async () => {
    await using workers = await startWorkers(instrumented, { count: 2, bindings: { QQ_ALARM: "off" } })
    await check(workers, 0)
    const first = await generation(workers)
    await slow(workers, "10 seconds")
    await workers.ask(0, "/age")
    // a Worker that finds the token in the object with its first check, and begins the renewal with a later one
    await until(async () => {
      await check(workers, 1)
      return (await workers.fetches()) === 2
    })
    // answered between the request for the new token and its coming
    assert.strictEqual(await generation(workers), first)
    await until(async () => (await generation(workers)) !== first)
    await check(workers, 1)
    assert.strictEqual(await workers.fetches(), 2)
    assertApart(workers)
  })

  it("T8: the object's alarm renews what was used, and not what nobody needs", async () => {
    await using workers = await startWorkers(instrumented)
    const alarmed = async () => {
      await workers.ask(0, "/age")
      await until(async () => Number(await (await workers.ask(0, "/alarms")).text()) > 0)
    }
    await check(workers, 0)
    await alarmed()
    assert.strictEqual(await workers.fetches(), 2)
    // nobody looked since
    await alarmed()
    assert.strictEqual(await workers.fetches(), 2)
    await check(workers, 0)
  })

  it("T8, T9: an object that is evicted while its alarm renews does so again", async () => {
    await using workers = await startWorkers(instrumented)
    await check(workers, 0)
    const first = await generation(workers)
    await slow(workers, "60 seconds")
    await workers.ask(0, "/age")
    await until(async () => (await workers.fetches()) === 2)
    await workers.ask(0, "/evict")
    assert.strictEqual(await generation(workers), first)
    // its lease runs out, and its alarm comes again
    await until(async () => (await generation(workers)) !== first)
    assert.isAtMost(await workers.fetches(), 3)
    await check(workers, 0)
  })
})

describe("Workers KV in front of the object", () => {
  const check = async (workers: Workers, worker: number) => {
    const response = await workers.ask(worker, "/copying", { method: "POST", body: "x" })
    assert.deepStrictEqual(await response.json(), { risky: false })
  }
  const asked = async (workers: Workers): Promise<number> => (await (await workers.ask(0, "/asked")).json()) as number

  it("lets cold Workers find the token without the object, and a copy that died is believed by nobody twice", async () => {
    await using workers = await startWorkers(instrumented, { count: 6 })
    await check(workers, 0)
    const before = await asked(workers)
    for (let i = 1; i < 6; i++) await check(workers, i)
    assert.strictEqual(await asked(workers), before)
    assert.strictEqual(await workers.fetches(), 1)

    // all copies, in memory and in KV, are of a token that is dead now
    await workers.harness.sandbox.run((platform) => platform.revokeTokens())
    await Promise.all(Array.from({ length: 30 }, (_, i) => check(workers, i % 6)))
    assert.strictEqual(await workers.fetches(), 2)
  })
})
