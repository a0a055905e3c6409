/** docs/laws.md is true: its files are there, and each law has tests that bear its number and a marker where it is kept. */
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { assert, describe, it } from "vitest"

const page = new URL("../../../docs/laws.md", import.meta.url)
const read = (link: string) => readFileSync(new URL(link, page), "utf8")
const text = read("")

const linksOf = (cell: string) => Array.from(cell.matchAll(/\]\(([^):]+)\)/g), ([, link]) => link!)

/** A row of the tables, as `| T1 | promise | links to sources | links to tests |`. */
const row = /^\| ([A-Z]\d+) \| [^|]+ \| ([^|]+) \| ([^|]+) \|$/gm

const laws = Array.from(text.matchAll(row), ([, law, sources, tests]) => ({
  law: law!,
  sources: linksOf(sources!),
  tests: linksOf(tests!)
}))

/** Whether the name of a test begins with the law's number, perhaps among others. */
const hasTestOf = (law: string, test: string) =>
  new RegExp(`["\`](?:[A-Z]\\d+, )*${law}(?:, [A-Z]\\d+)*[:,"]`).test(test)

/** Whether a comment bears the law's number. */
const hasMarkerOf = (law: string, source: string) => new RegExp(`^\\s*(?://|/?\\*).*\\b${law}\\b`, "m").test(source)

describe("docs/laws.md", () => {
  it("names files that are there", () => {
    const missing = linksOf(text).filter((link) => !existsSync(new URL(link, page)))
    assert.deepStrictEqual(missing, [])
  })

  it("lists each law that has a file of tests, and no other", () => {
    const files = readdirSync(new URL(".", import.meta.url)).filter((file) => /^[A-Z]\d+\.test\.ts$/.test(file))
    const listed = laws.map(({ law }) => `${law}.test.ts`)
    assert.deepStrictEqual(listed.toSorted(), files.toSorted())
  })

  it.each(laws)("$law is tested in a file of its own, and in the others that are named", ({ law, tests }) => {
    assert.include(tests, `../test/src/laws/${law}.test.ts`)
    assert.deepStrictEqual(
      tests.filter((test) => !hasTestOf(law, read(test))),
      []
    )
  })

  it.each(laws)("$law is marked in each source that is named", ({ law, sources }) => {
    assert.isNotEmpty(sources)
    assert.deepStrictEqual(
      sources.filter((source) => !hasMarkerOf(law, read(source))),
      []
    )
  })
})
