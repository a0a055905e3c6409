/** Broadcasts of several processes that are killed and frozen. `run.ts` does the same with 100,000 recipients. */
import { assert, describe, it } from "vitest"
import { most, type Plan, run } from "./chaos.ts"

const plan: Omit<Plan, "store"> = {
  recipients: 600,
  workers: 4,
  kills: 3,
  freezes: 2,
  restarts: 1,
  faults: 0.02,
  deadline: 1_000
}

describe.each(["sqlite", "redis"] as const)("a broadcast by four processes on %s", (store) => {
  it("B1 B2: reaches nobody twice and loses nobody, while processes and Redis die", { timeout: 240_000 }, async () => {
    const { notInLedger, notInLog, result, tokens, twice } = await run({ ...plan, store })
    assert.deepStrictEqual([twice, notInLog, notInLedger], [[], [], []])
    const { new: left, recipients, refused, sending, sent, state, unknown } = result
    assert.deepStrictEqual([state, recipients, left, sending], ["finished", 600, 0, 0])
    assert.strictEqual(sent + unknown + Object.values(refused).reduce((a, b) => a + b, 0), 600)
    // On a busy machine many may be unknown.
    assert.isAbove(sent, 0)
    assert.strictEqual(tokens, 1)
  })
})

describe.each(["sqlite", "redis"] as const)("a limit of four processes on %s", (store) => {
  it("Q1: never passes the limit of the broadcast", { timeout: 240_000 }, async () => {
    const rate = { max: 40, window: 1_000 }
    // A chunk for each process.
    const calm = { kills: 0, freezes: 0, restarts: 0, faults: 0, deadline: 15_000, chunkSize: 20 }
    const { requests, result } = await run({ ...plan, ...calm, recipients: 200, store, rate })
    assert.strictEqual(result.sent, 200)
    assert.isAtMost(
      most(
        requests.map(({ at }) => at),
        rate.window
      ),
      rate.max
    )
  })
})
