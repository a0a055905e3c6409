/** B2: nothing is lost. Every recipient has a row, and a result in the end, and what is sent QQ has taken. */
import { assert, describe, it } from "@effect/vitest"
import { found, plan, recipients, worker } from "../bulk/simulation/found.ts"
import { keptBy } from "../bulk/simulation/kept.ts"

describe("B2", () => {
  it("B2: every row of the source is counted: sent, refused by its reason, or bad", () => {
    const { entry } = keptBy(
      plan({
        rows: [
          ...recipients(4),
          { openid: "u2", answer: "sent" },
          { openid: "", answer: "sent" },
          { openid: "n", answer: "NotSubscribed" },
          { openid: "q", answer: "QuotaReached" },
          { openid: "l", answer: "later" }
        ],
        chunkSize: 3
      })
    )
    assert.deepStrictEqual(entry?.counts, {
      new: 0,
      sending: 0,
      sent: 5,
      unknown: 0,
      refused: { "NotSubscribed 43101": 1, "QuotaReached 46002": 1 }
    })
    const { bad, rows } = JSON.parse(entry!.document) as { readonly bad: number; readonly rows: number }
    assert.deepStrictEqual({ bad, rows }, { bad: 2, rows: 9 })
  })

  it("B2: loaders are killed in the middle, and others go on", () => {
    const { entry } = keptBy(
      plan({
        workers: [worker("A"), worker("B", { reads: "rest", at: 20 }), worker("C", { reads: "none" })],
        rows: recipients(40),
        chunkSize: 4,
        faults: [60, 90, 120].flatMap((at) => [
          { kind: "crash", at, holder: "A", backAfter: 5 },
          { kind: "crash", at: at + 10, holder: "B", backAfter: 5 }
        ])
      })
    )
    const { sent, unknown } = entry!.counts
    assert.strictEqual(sent + unknown, 40)
    // a process sends one message at once
    assert.isAtMost(unknown, 6)
  })

  it.each(Object.entries(found))("B2: the broadcast ends. No more %s", (_, plan) => {
    const { counts } = keptBy(plan).entry!
    assert.deepStrictEqual([counts.new, counts.sending], [0, 0])
  })
})
