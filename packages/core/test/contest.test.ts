/** T7, the pure part: which early deaths stop the fetches, and for how long. */
import { assert, describe, it } from "@effect/vitest"
import type { Slot } from "@qq-mini/core/TokenCache"
import * as Redacted from "effect/Redacted"
import * as Contest from "../src/token/contest.ts"
import { renewalOf, any, fresh, replacementOf, stored } from "../src/token/token.ts"

const minute = 60_000
const lifetime = 120 * minute
const token = Redacted.make("token")

/** Tokens that live this long each, one fetched as soon as it may be after the death of the last. */
const play = (lives: ReadonlyArray<number>) => {
  let time = 1_763_800_000_000
  let history = Contest.next({ deaths: 0, short: 0, fetched: [] }, time)
  return lives.map((life) => {
    time += life
    const verdict = Contest.afterEarlyDeath(Contest.read({ ...slot, history }), time)
    const reported = Contest.isReported(verdict.history)
    time += verdict.wait
    history = Contest.next(verdict.history, time)
    return { ...verdict, reported }
  })
}

const slot: Slot = {
  generation: 1_763_800_000_000,
  token,
  lifetime,
  expiresIn: lifetime,
  leasedFor: 0,
  now: 1_763_800_000_000,
  history: ""
}

describe("T7", () => {
  it("three tokens that die within 2 minutes are replaced at once, further ones every 10 minutes", () => {
    const waits = play(Array.from({ length: 8 }, () => minute)).map(({ wait }) => wait / minute)
    assert.deepStrictEqual(waits, [0, 0, 0, 9, 9, 9, 9, 9])
  })

  it("a token that lived half an hour ends the stop", () => {
    const verdicts = play([1, 1, 1, 1, 31, 1, 1].map((minutes) => minutes * minute))
    assert.deepStrictEqual(
      verdicts.map(({ wait }) => wait / minute),
      [0, 0, 0, 9, 0, 0, 0]
    )
  })

  it("a token that lived 10 minutes does not", () => {
    const verdicts = play([1, 1, 1, 1, 10, 1].map((minutes) => minutes * minute))
    assert.deepStrictEqual(
      verdicts.map(({ wait }) => wait / minute),
      [0, 0, 0, 9, 0, 9]
    )
  })

  it("deaths after more than 2 minutes stop nothing, and are reported now and then", () => {
    const verdicts = play(Array.from({ length: 40 }, () => 6 * minute))
    assert.isTrue(verdicts.every(({ wait }) => wait === 0))
    assert.deepStrictEqual(
      verdicts.flatMap(({ reported }, i) => (reported ? [i + 1] : [])),
      [3, 12, 24, 36]
    )
  })

  it("a clock that was set back makes no negative age", () => {
    assert.strictEqual(Contest.afterEarlyDeath({ deaths: 9, short: 3, fetched: [5_000_000] }, 0).wait, 10 * minute)
  })

  it("a long row fits into what a store keeps", () => {
    let text = ""
    for (let i = 0; i < 5_000; i++) {
      text = Contest.next({ ...Contest.read({ ...slot, history: text }), deaths: i, short: i }, 1_763_800_000_000.4 + i)
    }
    assert.isBelow(text.length, 200)
    assert.lengthOf(Contest.read({ ...slot, history: text }).fetched, 6)
  })

  it("only a refusal before its time counts as an early death", () => {
    const at = (age: number, token: Slot["token"]) => ({ ...slot, token, now: slot.generation + age })
    const refused = replacementOf(stored(token, slot.generation))
    const deaths = (slot: Slot, wanted: Parameters<typeof Contest.judge>[1]) =>
      Contest.judge(slot, wanted).history.deaths
    assert.strictEqual(deaths(at(minute, token), refused), 1)
    assert.strictEqual(deaths(at(minute, undefined), any), 1)
    assert.strictEqual(deaths(at(minute, token), renewalOf(stored(token, slot.generation))), 0)
    assert.strictEqual(deaths(at(116 * minute, token), refused), 0)
    assert.strictEqual(deaths({ ...at(minute, undefined), generation: 0 }, any), 0)
    assert.strictEqual(deaths(at(minute, token), fresh), 0)
  })

  it("the reason says what was seen", () => {
    const verdict = { history: { deaths: 4, short: 3, fetched: [1_000, 61_000] }, wait: 540_000 }
    const { deaths, fetchedAgo, ownFetches, wait } = Contest.reasonOf(verdict, 121_000, 2)
    assert.deepStrictEqual(
      { deaths, fetchedAgo, ownFetches, wait },
      {
        deaths: 4,
        fetchedAgo: [120_000, 60_000],
        ownFetches: 2,
        wait: 540_000
      }
    )
  })
})
