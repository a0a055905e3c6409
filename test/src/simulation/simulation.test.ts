/** T1, T2, T3, T6, T7, T9, T10, Q1, D1 and D2 by simulation: the real clients in a world that a seed decides. */
import { assert, describe, it } from "@effect/vitest"
import { setImmediate } from "node:timers/promises"
import { storyOf } from "./command.ts"
import { planOf } from "./draw.ts"
import { shrink, smaller } from "./shrink.ts"
import { simulate } from "./simulate.ts"
import { simulation } from "./simulation.ts"
import { tell } from "./story.ts"

const schedules = 10_000
/** Other programs may use both cores. */
const patience = { timeout: 1_800_000 }

describe("the simulation", () => {
  it("10,000 schedules of crashes, freezes, losses, delays and thieves: no law is broken", patience, async () => {
    const { stackTraceLimit } = Error
    // errors are made by the thousand, and nobody reads where
    Error.stackTraceLimit = 0
    try {
      for (let seed = 1; seed <= schedules; seed++) {
        // the runner wants to hear of the test now and then
        if (seed % 100 === 0) await setImmediate()
        const { violation } = simulation.judgeSeed(seed)
        if (violation !== undefined) {
          assert.fail(`seed ${seed}: ${violation.law}: ${violation.text}\n${storyOf(simulation, seed, violation.law)}`)
        }
      }
    } finally {
      Error.stackTraceLimit = stackTraceLimit
    }
  })

  for (const [name, plan] of Object.entries(simulation.found)) {
    it(`no more ${name}`, () => {
      const { lines, violation } = simulation.judge(plan)
      assert.isUndefined(violation, tell(plan, lines))
    })
  }

  it("a seed replays its run byte for byte", patience, () => {
    for (const seed of [3, 28, 513, 2_450, 77_777]) {
      const plan = planOf(seed)
      assert.deepStrictEqual(planOf(seed), plan)
      const [first, second] = [simulate(plan), simulate(plan)]
      assert.strictEqual(tell(plan, second.lines), tell(plan, first.lines))
      assert.strictEqual(second.steps, first.steps)
    }
  })

  it("a failing plan is cut down to what it needs to fail", patience, () => {
    // no law, but something that takes a refusal, a removal and a second fetch
    const fails = (plan: Parameters<typeof simulate>[0]) =>
      simulate(plan).lines.some(({ text }) => text.startsWith("token 2 is written"))
    let seed = 1
    while (!fails(planOf(seed)) || planOf(seed).faults.length < 3) seed++
    const plan = planOf(seed)
    const small = shrink(plan, smaller, fails)
    assert.isTrue(fails(small))
    assert.isAtMost(small.faults.length, 1)
    assert.isAtMost(small.calls.length, 2)
    assert.isBelow(small.holders.length, 3)
  })
})
