/** One and the same program on every runtime: the tour of the API, and the faults. */
import * as Sandbox from "@qq-mini/sandbox/Sandbox"
import { readFile } from "node:fs/promises"
import { afterAll, assert, describe, it } from "vitest"
import { startHarness } from "./runtimes/harness.ts"
import { runtimes } from "./runtimes/runtimes.ts"

const apps = Sandbox.defaultPrograms.map(({ appid, appsecret }) => ({ appid, appsecret: String(appsecret) }))

describe("the runtime matrix", () => {
  const rows: Array<readonly [name: string, through: string, version: string, steps: number, otherwise: string]> = []

  // most of it is waiting
  describe.concurrent("runs one program on", () => {
    it.each(runtimes)("$name", async ({ name, run, through, version, ways }) => {
      await using harness = await startHarness()
      const steps = await run({ controlUrl: harness.controlUrl, apps, ways })
      assert.deepStrictEqual(
        steps.map(({ got, name }) => [name, got]),
        steps.map(({ expected, name }) => [name, expected])
      )
      rows.push([name, through, await version(), steps.length, Object.keys(ways).join(", ")])
    })
  })

  it("ran the same steps everywhere", () => {
    assert.lengthOf(rows, 9)
    assert.lengthOf([...new Set(rows.map(([, , , steps]) => steps))], 1)
  })

  it("stands in the guide as it was run", async () => {
    assert.lengthOf(rows, 9)
    for (const file of ["docs/edge.md", "docs/zh-CN/edge.md"]) {
      const text = await readFile(new URL(`../../${file}`, import.meta.url), "utf8")
      for (const [name, , , steps] of rows) assert.match(text, new RegExp(`\\| ${name} \\|.*\\| ${steps}/${steps} \\|`))
    }
  })

  afterAll(() => {
    console.log(
      [
        "runtime | version | through | steps | its own HTTP client",
        ...rows.map(([name, through, version, steps, otherwise]) =>
          [name, version, through.replaceAll("`", ""), `${steps} of ${steps}`, otherwise].join(" | ")
        )
      ].join("\n")
    )
  })
})
