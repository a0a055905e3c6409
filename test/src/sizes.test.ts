/** Sizes are kept in `bench/sizes.json`; what grows by more than 3 % is meant to. */
import { readFile } from "node:fs/promises"
import { assert, describe, it } from "vitest"
import { kept, measure, type Sizes } from "./support/sizes.ts"

const update = "if that is meant, run: node test/src/support/sizes.ts"

describe("the sizes", () => {
  it("are those that are kept, or at most 3 % above", async () => {
    const before: Sizes = JSON.parse(await readFile(kept, "utf8"))
    const now = await measure()
    assert.deepStrictEqual(Object.keys(now), Object.keys(before), update)
    for (const [what, size] of Object.entries(now)) {
      assert.isAtMost(size, 1.03 * before[what]!, `${what} was ${before[what]} bytes: ${update}`)
    }
  })
})
