/** Plans that broke a law once, as small as they could be made. */
import type { CallPlan, HolderPlan, Plan } from "./plan.ts"

const holder = (name: string, more?: Partial<HolderPlan>): HolderPlan => ({
  name,
  runs: "process",
  waitUntil: false,
  wall: 0,
  monotonic: 0,
  secret: "right",
  maxInFlight: 64,
  attemptTimeout: 5_000,
  ...more
})

const check = (id: string, holder: string, at: number, stopAfter?: number): CallPlan => ({
  id,
  at,
  holder,
  kind: "check",
  stopAfter
})

const usual = {
  inOrder: true,
  storeClock: 0,
  storeWatches: false,
  lifetime: 7_200,
  grace: 300,
  limit: 3
} satisfies Partial<Plan>

export const found: Readonly<Record<string, Plan>> = {
  // When its token was fetched, B told from the time of its lease, long after it had read the slot. So A's looked newer.
  "T2: the older of two tokens replaced the newer one when the store could be written again": {
    ...usual,
    seed: 513,
    holders: [holder("A"), holder("B")],
    calls: [check("1", "A", 17), check("2", "B", 314)],
    faults: [{ kind: "read-only", at: 7, during: 664 }]
  },
  // The fetch was being interrupted, since the only one who waited for it was. It gave its lease back, and still looked alive.
  "T9: a caller joined a fetch that was about to end": {
    ...usual,
    seed: 852,
    holders: [holder("A", { runs: "invocation" })],
    calls: [check("1", "A", 9, 50), check("2", "A", 57)],
    faults: []
  },
  // What a fetch of before the refusal brought counted as fetched for the call that was refused.
  "T4: a call got the token again that QQ had just refused it": {
    ...usual,
    seed: 20_423,
    grace: 0,
    holders: [holder("A"), holder("B")],
    calls: [check("1", "A", 10), check("2", "B", 17), check("3", "A", 5_861)],
    faults: [{ kind: "away", server: "store", at: 29, during: 8_957, how: "silent" }]
  }
}
