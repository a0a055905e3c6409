/** Long texts: no piece is longer than it may be, none cuts a character, and nothing hides where a text is cut. */
import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { piecesOf, safeLength, split } from "../../packages/core/src/content/split.ts"
import { utf8Length } from "../../packages/core/src/internal/schema.ts"
import { maxTextBytes } from "@qq-mini/core/Security"

// Letters, Chinese, pairs of surrogates and emoji of several code points.
const texts = fc
  .array(fc.constantFrom("a", "é", "中", "𠮷", "👍🏽", "👨‍👩‍👧‍👦"), { minLength: 1, maxLength: 60 })
  .map((all) => all.join(""))

describe("C1: the pieces of a text", () => {
  it("cover it, are short, whole in their characters, and overlap", () => {
    fc.assert(
      fc.property(texts, fc.integer({ min: 8, max: 40 }), fc.nat(), (text, length, seed) => {
        const overlap = seed % (Math.floor(length / 2) + 1)
        const pieces = split(text, length, overlap)
        let covered = 0
        for (const { end, start } of pieces) {
          assert.isTrue(end > start && end - start <= length && start <= covered)
          assert.isTrue(text.slice(start, end).isWellFormed())
          covered = end
        }
        assert.deepStrictEqual([pieces[0]!.start, covered], [0, text.length])
        for (let at = 0; at + overlap <= text.length; at++) {
          assert.isTrue(
            pieces.some(({ end, start }) => start <= at && at + overlap <= end),
            `the phrase at ${at} is cut`
          )
        }
      })
    )
  })

  it("are one, where QQ takes the whole text, and never above QQ's limit", () => {
    const whole = (text: string) => [{ start: 0, end: text.length }]
    for (const text of ["x", "x".repeat(maxTextBytes), "中".repeat(safeLength)]) {
      assert.deepStrictEqual(piecesOf(text, Infinity, 300), whole(text))
    }
    for (const text of ["x".repeat(maxTextBytes + 1), "中".repeat(safeLength + 1), "👍🏽".repeat(200_000)]) {
      const pieces = piecesOf(text, Infinity, 300)
      assert.isAbove(pieces.length, 1)
      for (const { end, start } of pieces) assert.isAtMost(utf8Length(text.slice(start, end)), maxTextBytes)
    }
    assert.deepStrictEqual(piecesOf("x".repeat(250), 100, 25), [
      { start: 0, end: 100 },
      { start: 75, end: 175 },
      { start: 150, end: 250 }
    ])
  })
})
