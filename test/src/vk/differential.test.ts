/**
 * `vk.openapi.qq` of vk 2.25.1 and ours, side by side: thousands of generated calls on a model of vk and on the facade.
 * That the model does as vk did is shown by `model.test.ts`.
 */
import { assert, describe, it } from "vitest"
import type { Options } from "@qq-mini/unicloud/VkOpenapiQQ"
import { type Case, makeCases } from "./cases.ts"
import { addDifference, type Class, tableOf } from "./classes.ts"
import { expectedOf, ids, oursOf } from "./differences.ts"
import { defaults, differences, type Switches } from "../../../packages/unicloud/src/internal/vk/differences.ts"
import { facadeOf } from "./run.ts"
import { inVirtualTime } from "./virtualTime.ts"

describe("the facade", () => {
  const cases = makeCases()
  // cases that run at the same time
  const atOnce = 100

  /** Compares cases, with these differences. */
  const compare = async (cases: ReadonlyArray<Case>, active: ReadonlySet<string>, options: Options) => {
    const classes = new Map<string, Class>()
    const shown = new Set<string>()
    for (let at = 0; at < cases.length; at += atOnce) {
      await inVirtualTime(() =>
        Promise.all(
          cases.slice(at, at + atOnce).map(async (one) => {
            const expected = expectedOf(one, active)
            for (const id of expected.shown) shown.add(id)
            const { outcomes, stored } = await facadeOf(one, options)
            const ours = { seen: outcomes.map((outcome, i) => oursOf(one, one.calls[i]!, outcome, active)), stored }
            addDifference(classes, one, expected, ours)
          })
        )
      )
    }
    return { classes, shown }
  }

  const table = new Map(differences.map((difference) => [difference.id, difference]))
  const switches = Object.keys(defaults) as ReadonlyArray<string>
  const idsWith = (compat: Partial<Switches>) =>
    new Set(ids.filter((id) => (compat as Readonly<Record<string, boolean>>)[id] !== true))

  it("differs from vk in nothing but the differences that are named, and in each of these", async () => {
    assert.isAtLeast(cases.length, 5_000)
    assert.sameMembers([...table.keys()], [...ids])
    const { classes } = await compare(cases, idsWith(defaults), {})
    assert.strictEqual(classes.size, 0, tableOf(classes))
    const shown = new Set(cases.flatMap((one) => [...expectedOf(one, new Set(ids)).shown]))
    assert.sameMembers([...shown], [...ids])
  })

  it("has vk's way with all switches of compat on, and ours with all off", async () => {
    // cases in which a switch changes something, at most so many a switch
    const most = 60
    const counts = new Map<string, number>()
    const concerned = cases.filter((one) => {
      const { shown } = expectedOf(one, new Set(ids))
      const rare = switches.filter((name) => shown.has(name) && (counts.get(name) ?? 0) < most)
      for (const name of rare) counts.set(name, (counts.get(name) ?? 0) + 1)
      return rare.length > 0
    })
    for (const value of [true, false]) {
      const compat = Object.fromEntries(switches.map((name) => [name, value]))
      const { classes, shown } = await compare(concerned, idsWith(compat), { compat })
      assert.strictEqual(classes.size, 0, `with all switches ${value}: ${tableOf(classes)}`)
      if (value) for (const name of switches) assert.notInclude([...shown], name)
    }
  })
})
