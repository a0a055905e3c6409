/** Plans that broke a law once, or that alone find a mutant, as small as they could be made. */
import type { Plan, RowPlan, WorkerPlan } from "./plan.ts"

/** A worker that runs from the beginning and reads all recipients. */
export const worker = (name: string, more?: Partial<WorkerPlan>): WorkerPlan => ({
  name,
  at: 0,
  reads: "all",
  runs: "run",
  budget: 1_000,
  every: 1_000,
  concurrency: 1,
  wall: 0,
  monotonic: 0,
  ...more
})

/** Recipients that QQ sends to. */
export const recipients = (count: number): ReadonlyArray<RowPlan> =>
  Array.from({ length: count }, (_, i) => ({ openid: `u${i + 1}`, answer: "sent" }))

/** One worker and one recipient, and nothing goes wrong. */
export const plan = (more?: Partial<Plan>): Plan => ({
  seed: 1,
  inOrder: true,
  workers: [worker("A")],
  rows: recipients(1),
  chunkSize: 100,
  faults: [],
  deadline: 2_000,
  lock: 10_000,
  rate: undefined,
  quiet: undefined,
  storeClock: 0,
  endsAlone: false,
  endsWithResend: false,
  ...more
})

export const found: Readonly<Record<string, Plan>> = {
  // That nothing was sent was written twice, and came late the first time. The claim was that of the next try, too.
  "a late result of one try that makes the row new while the next is on its way": plan({
    faults: [
      { kind: "trouble", at: 0, during: 2_000, share: 1, answer: "SystemBusy" },
      {
        kind: "weather",
        at: 1_040,
        holder: undefined,
        server: "store",
        mishap: "late requests",
        during: 200,
        share: 1,
        by: 3_000
      },
      {
        kind: "weather",
        at: 2_000,
        holder: undefined,
        server: "QQ",
        mishap: "late answers",
        during: 3_000,
        share: 1,
        by: 1_900
      }
    ]
  }),
  // The chunk was done long ago. Who sends again was killed before it could try once more.
  "a recipient that is new and in no chunk, because sending to it again did not send": plan({
    faults: [
      {
        kind: "weather",
        at: 0,
        holder: undefined,
        server: "QQ",
        mishap: "lost answers",
        during: 2_500,
        share: 1,
        by: 0
      },
      { kind: "trouble", at: 3_000, during: 4_000, share: 1, answer: "SystemBusy" },
      { kind: "resend", at: 5_000, endAfter: 1_500, dies: true }
    ]
  }),
  // Nobody claims a row of a broadcast that was cancelled.
  "a claim of a process that died, and a cancelled broadcast that never ends for it": plan({
    faults: [
      {
        kind: "weather",
        at: 0,
        holder: undefined,
        server: "QQ",
        mishap: "late answers",
        during: 5_000,
        share: 1,
        by: 1_900
      },
      { kind: "crash", at: 1_800, holder: "A", backAfter: 1 },
      { kind: "cancel", at: 1_820 }
    ]
  }),
  // A step had begun the broadcast, so no chunk was in the queue.
  "a process that reads nothing, and ends before those that send what they read": plan({
    workers: [worker("A", { runs: "step" }), worker("B", { reads: "none", at: 50 })],
    rows: recipients(20)
  }),
  // The place of the sixth message comes 6 s after the hours began.
  "a message that waits for its place in the limit until the quiet hours": plan({
    rows: recipients(8),
    rate: { max: 1, window: 13_000 },
    quiet: { from: 1, minutes: 1 }
  }),
  // Each step booked a place after its own end and after all others', and returned it when it ended.
  "steps that book places in the limit after their end, so that nobody sends": plan({
    workers: ["B", "C", "D"].map((name, i) =>
      worker(name, { runs: "step", budget: 3_000 + 1_000 * i, every: 300, concurrency: 3, at: 20 * i })
    ),
    rows: [...recipients(2), { openid: "l", answer: "later" }, { openid: "m", answer: "later" }],
    rate: { max: 1, window: 3_000 }
  })
}
