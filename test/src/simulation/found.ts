/** Plans that broke a law once, or that alone find a mutant, as small as they could be made. */
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
  },
  // A has a token that it fetched without the store. B's tokens die until it stops fetching, which leaves the store empty.
  "T2: a token that was fetched without the store was shared although a newer one had died": {
    ...usual,
    seed: 1,
    holders: [holder("A", { runs: "invocation" }), holder("B")],
    calls: [
      check("1", "A", 100),
      ...[8_000, 11_000, 21_000, 31_000, 41_000].map((at, i) => check(`${i + 2}`, "B", at)),
      check("7", "A", 45_000)
    ],
    faults: [
      { kind: "away", server: "store", at: 0, during: 3_000, how: "refused" },
      ...[10_000, 20_000, 30_000, 40_000].map((at) => ({ kind: "refuse", at, times: 1 }) as const)
    ]
  }
}
