/** What a holder decides, for every situation that a slot, a wish and a memory can make together. */
import { assert, describe, it } from "@effect/vitest"
import { StoreFailed } from "@qq-mini/core/QQError"
import type { Slot } from "@qq-mini/core/TokenCache"
import * as Redacted from "effect/Redacted"
import * as Contest from "../src/token/contest.ts"
import { decide, excludedGeneration, isRefused, isUsable, settle, type Situation } from "../src/token/decide.ts"
import { renewalOf, any, fresh, replacementOf, same, stored, type Token, type Wanted } from "../src/token/token.ts"

const lifetime = 7_200_000
const now = 1_763_800_000_000
const [old, newer] = [Redacted.make("old"), Redacted.make("newer")]
const alone = (value: Token["value"]): Token => ({ value, origin: { _tag: "Unstored" } })
const failed = new StoreFailed({ operation: "read", problem: "away" })

/** Fetched an hour ago, with this row of short lives before. */
const historyOf = (short: number, age = 3_600_000) =>
  Contest.next({ deaths: short, short, fetched: [now - 2 * age] }, now - age)

const histories = ["", historyOf(0), historyOf(3, 60_000), "{broken"]
const slots: ReadonlyArray<Slot> = [0, now - 5_000, now].flatMap((generation) =>
  (generation === 0 ? [undefined] : [undefined, old, newer]).flatMap((token) =>
    (token === undefined ? [0] : [5_000, 3_000_000]).flatMap((expiresIn) =>
      [0, 4_000].flatMap((leasedFor) =>
        histories.map((history): Slot => ({ generation, token, lifetime, expiresIn, leasedFor, now, history }))
      )
    )
  )
)
const tokens = [stored(old, now - 5_000), stored(old, now), stored(newer, now), alone(old), alone(newer)]
const wishes: ReadonlyArray<Wanted> = [
  any,
  fresh,
  ...tokens.map(renewalOf),
  ...tokens.map((token) => replacementOf(token)),
  replacementOf(stored(newer, now), [stored(old, now - 5_000)])
]

const situations = slots.flatMap((slot) =>
  wishes.flatMap((wanted) =>
    [undefined, now - 5_000].flatMap((before) =>
      [undefined, ...tokens].flatMap((present) =>
        [undefined, old, newer].flatMap((granted) =>
          [undefined, failed].map((failed): Situation => ({
            slot,
            wanted,
            excluded: excludedGeneration(slot, wanted, before),
            present,
            granted,
            failed
          }))
        )
      )
    )
  )
)

const each = (check: (situation: Situation, decision: ReturnType<typeof decide>) => void) => {
  for (const situation of situations) check(situation, decide(situation))
}

/** How often each decision is taken, so that no case is empty. */
const counts = () => {
  const counts: Record<string, number> = {}
  each((_, { _tag }) => (counts[_tag] = (counts[_tag] ?? 0) + 1))
  return counts
}

describe("decide", () => {
  it("takes every decision", () => {
    const tags = ["Fail", "Fetch", "Keep", "KeepGranted", "Stop", "Use", "Wait"]
    assert.deepStrictEqual(Object.keys(counts()).toSorted(), tags)
  })

  it("T1: fetches only where there is no token that will do, none that was fetched, no lease and no refusal", () => {
    each(({ failed, granted, excluded, slot }, { _tag }) => {
      if (_tag !== "Fetch") return
      assert.isUndefined(granted)
      assert.isUndefined(failed)
      assert.strictEqual(slot.leasedFor, 0)
      assert.isFalse(isUsable(slot) && slot.generation !== excluded)
    })
  })

  it("T1: a fetch whose token the store did not take is not made again", () => {
    const kept = new Set(["Use", "Keep", "KeepGranted"])
    each(({ granted }, { _tag }) => granted && assert.isTrue(kept.has(_tag)))
  })

  it("T2: a newer token in memory is not replaced by an older one of the store", () => {
    each(({ present, slot }, decision) => {
      if (decision._tag === "Use" && present !== undefined) {
        assert.isTrue(present.origin._tag === "Stored" && present.origin.generation <= slot.generation)
      }
      if (decision._tag !== "Keep") return
      assert.strictEqual(decision.token, present)
      const { origin } = decision.token
      assert.isTrue(origin._tag === "Unstored" || origin.generation > slot.generation)
    })
  })

  it("T3, T4: a token that was refused, or whose end is near, is never used again, whatever its generation", () => {
    each(({ wanted }, decision) => {
      if (decision._tag !== "Use" || wanted._tag !== "Instead") return
      for (const { value } of [wanted.token, ...wanted.before]) assert.isFalse(same(decision.value, value))
    })
  })

  it("T3: only the token that QQ refused is removed", () => {
    each(({ excluded, slot, wanted }) => {
      if (!isRefused({ excluded, slot, wanted })) return
      assert.isTrue(wanted._tag === "Instead" && wanted.refused)
      assert.isDefined(slot.token)
      assert.strictEqual(slot.generation, excluded)
    })
    const slot = { ...slots[0]!, generation: now, token: newer, expiresIn: 3_000_000 }
    assert.isFalse(isRefused({ excluded: now - 5_000, slot, wanted: replacementOf(tokens[0]!) }))
    assert.isFalse(isRefused({ excluded: now, slot, wanted: renewalOf(tokens[2]!) }))
    assert.isTrue(isRefused({ excluded: now, slot, wanted: replacementOf(tokens[2]!) }))
  })

  it("T9: waits for another holder's lease as long as it runs, and no longer", () => {
    each(({ slot }, { _tag }) => {
      if (_tag !== "Wait" && _tag !== "Fetch") return
      assert.strictEqual(slot.leasedFor > 0, _tag === "Wait")
    })
  })

  it("uses no token that ends before a request can arrive", () => {
    each(({ slot }, { _tag }) => _tag === "Use" && assert.isAbove(slot.expiresIn, 10_000))
  })

  it("a caller that wants a fresh token gets none that stood there at its first look", () => {
    each(({ excluded, slot, wanted }, { _tag }) => {
      if (_tag !== "Use" || wanted._tag !== "Fresh") return
      assert.isDefined(excluded)
      assert.notStrictEqual(excluded, slot.generation)
    })
  })

  it("a caller that wants a fresh token is not stopped by a contest", () => {
    each(({ wanted }, { _tag }) => wanted._tag === "Fresh" && assert.notStrictEqual(_tag, "Stop"))
  })
})

describe("settle", () => {
  const slot = (token: Token["value"] | undefined, fetchedAgo: number): Slot => ({
    generation: token === undefined ? 0 : now,
    token,
    lifetime,
    expiresIn: token === undefined ? 0 : 3_000_000,
    leasedFor: 0,
    now,
    history: historyOf(0, fetchedAgo)
  })
  const mine = { value: old, fetched: now - 60_000 }
  const cases = [
    ["an empty slot takes it", slot(undefined, 120_000), alone(old), "Share"],
    ["an older token of the store gives way", slot(newer, 120_000), alone(old), "Share"],
    ["a newer token of the store is everybody's", slot(newer, 1_000), alone(old), "Follow"],
    ["the same token is everybody's already", slot(old, 120_000), alone(old), "Follow"],
    ["a newer one that died means that this one died, too", slot(undefined, 1_000), alone(old), "Over"],
    ["once it follows the store, it goes on to", slot(newer, 120_000), stored(newer, now), "Follow"],
    ["and leaves a slot that lost its token to the calls", slot(undefined, 120_000), stored(newer, now), "Leave"]
  ] as const
  for (const [name, slot, current, expected] of cases) {
    it(`T6: ${name}`, () => assert.strictEqual(settle(slot, { ...mine, current }), expected))
  }
})
