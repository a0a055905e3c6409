/** B1: at most once. Nobody gets the message of a broadcast twice, but from `resendUnknown`. */
import { assert, describe, it } from "@effect/vitest"
import { found, plan, recipients, worker } from "../bulk/simulation/found.ts"
import { keptBy, messagesTo } from "../bulk/simulation/kept.ts"
import type { FaultPlan } from "../bulk/simulation/plan.ts"

const slowAnswers: FaultPlan = {
  kind: "weather",
  at: 0,
  holder: undefined,
  server: "QQ",
  mishap: "late answers",
  during: 1_800,
  share: 1,
  by: 1_500
}

describe("B1", () => {
  it("B1: a process is killed before QQ's answer comes: its recipient is unknown and gets no second message", () => {
    const run = keptBy(plan({ faults: [slowAnswers, { kind: "crash", at: 1_800, holder: "A", backAfter: 10 }] }))
    assert.strictEqual(messagesTo("u1", run).length, 1)
    assert.strictEqual(run.entry?.counts.unknown, 1)
  })

  it("B1: resendUnknown sends to the unknown once more, and to nobody else", () => {
    const run = keptBy(
      plan({
        rows: recipients(3),
        faults: [
          slowAnswers,
          { kind: "crash", at: 1_800, holder: "A", backAfter: 10 },
          { kind: "resend", at: 30_000, dies: false },
          { kind: "resend", at: 30_100, dies: false }
        ]
      })
    )
    assert.deepStrictEqual(
      ["u1", "u2", "u3"].map((openid) => messagesTo(openid, run).length),
      [2, 1, 1]
    )
    assert.strictEqual(run.entry?.counts.sent, 3)
  })

  it("B1: a process is frozen and its chunk given to another: each recipient gets one message", () => {
    const run = keptBy(
      plan({
        workers: [worker("A", { concurrency: 3 }), worker("B", { at: 100 })],
        rows: recipients(10),
        chunkSize: 10,
        faults: [slowAnswers, { kind: "freeze", at: 1_800, holder: "A", during: 60_000 }, { kind: "unlock", at: 2_000 }]
      })
    )
    for (const { openid } of recipients(10)) assert.isAtMost(messagesTo(openid, run).length, 1)
  })

  it("B1: a result of an earlier try that comes late does not free the row", () => {
    const run = keptBy(found["a late result of one try that makes the row new while the next is on its way"]!)
    assert.strictEqual(run.entry?.counts.sent, 1)
  })
})
