/** B1, B2 and B3 by simulation: real broadcasts in a world that a seed decides. `run.ts` runs as many as one likes. */
import { assert, describe, it } from "@effect/vitest"
import { setImmediate } from "node:timers/promises"
import { storyOf } from "../../simulation/command.ts"
import { planOf } from "./draw.ts"
import { simulate } from "./simulate.ts"
import { simulation } from "./simulation.ts"
import { tell } from "./story.ts"

const schedules = 300

describe("the simulation of broadcasts", () => {
  it(`${schedules} schedules of claims, crashes, freezes and late answers: no law is broken`, async () => {
    const { stackTraceLimit } = Error
    // errors are made by the thousand, and nobody reads where
    Error.stackTraceLimit = 0
    try {
      for (let seed = 1; seed <= schedules; seed++) {
        // the runner wants to hear of the test now and then
        if (seed % 20 === 0) await setImmediate()
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
      const { lines, violation } = simulate(plan)
      assert.isUndefined(violation, tell(plan, lines))
    })
  }

  it("a seed replays its run byte for byte", () => {
    for (const seed of [3, 28, 513]) {
      const plan = planOf(seed)
      assert.deepStrictEqual(planOf(seed), plan)
      const [first, second] = [simulate(plan), simulate(plan)]
      assert.strictEqual(tell(plan, second.lines), tell(plan, first.lines))
      assert.strictEqual(second.steps, first.steps)
    }
  })
})
