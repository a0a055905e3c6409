/** B3: control. What the operator wants, the limit and the hours hold in all processes, and one that ends ends in order. */
import { assert, describe, it } from "@effect/vitest"
import { plan, recipients, worker } from "../bulk/simulation/found.ts"
import { departures, keptBy } from "../bulk/simulation/kept.ts"

const two = [worker("A"), worker("B", { at: 20 })]
// A claim, or a place in the limiter, is under way so long when control changes (ms).
const onItsWayMillis = 500

describe("B3", () => {
  it("B3: nobody begins a message while the broadcast is paused, and all go on when it is resumed", () => {
    const run = keptBy(
      plan({
        workers: two,
        rows: recipients(60),
        faults: [
          { kind: "pause", at: 500 },
          { kind: "resume", at: 20_000 }
        ]
      })
    )
    const times = departures(run)
    assert.isAbove(times.length, 50)
    assert.isNotEmpty(times.filter((at) => at < 500))
    assert.deepStrictEqual(
      times.filter((at) => at > 500 + onItsWayMillis && at < 20_000),
      []
    )
    assert.strictEqual(run.entry?.counts.sent, 60)
  })

  it("B3: a broadcast that is cancelled sends nothing more, for good", () => {
    const run = keptBy(
      plan({
        workers: two,
        rows: recipients(60),
        faults: [
          { kind: "cancel", at: 500 },
          { kind: "resume", at: 2_000 }
        ]
      })
    )
    assert.strictEqual(run.entry?.control, "cancelled")
    assert.isAbove(run.entry!.counts.new, 0)
    assert.isBelow(departures(run).at(-1)!, 500 + onItsWayMillis)
  })

  it("B3: a process that is interrupted ends the messages on their way, and begins no more", () => {
    const run = keptBy(
      plan({
        workers: [worker("A", { concurrency: 4 })],
        rows: recipients(30),
        faults: [
          {
            kind: "weather",
            at: 0,
            holder: undefined,
            server: "QQ",
            mishap: "late answers",
            during: 5_000,
            share: 1,
            by: 1_500
          },
          { kind: "interrupt", at: 600, holder: "A", backAfter: 10_000 }
        ]
      })
    )
    assert.strictEqual(run.entry?.counts.sent, 30)
    assert.deepStrictEqual(
      departures(run).filter((at) => at > 600 + onItsWayMillis && at < 5_000),
      []
    )
  })

  it("B3: all processes together keep the limit", () => {
    const run = keptBy(plan({ workers: two, rows: recipients(9), rate: { max: 3, window: 10_000 } }))
    const times = departures(run)
    assert.strictEqual(times.length, 9)
    assert.isAbove(times[3]! - times[0]!, 9_000)
    assert.isAbove(times[6]! - times[3]!, 9_000)
  })

  it("B3: nothing is sent in the quiet hours", () => {
    const run = keptBy(plan({ rows: recipients(60), quiet: { from: 0, minutes: 2 } }))
    assert.isAbove(departures(run)[0]!, 119_000)
    assert.strictEqual(run.entry?.counts.sent, 60)
  })
})
