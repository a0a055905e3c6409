/** Draws the plan of a seed. */
import type { Mishap } from "../../simulation/plan.ts"
import { between, type Draw, draws, oneOf, seedOf } from "../../simulation/random.ts"
import { lengthUpTo } from "../../simulation/draw.ts"
import type { FaultPlan, Plan, RecipientAnswer, RowPlan, Trouble, WorkerPlan } from "./plan.ts"

const kinds: ReadonlyArray<FaultPlan["kind"]> = [
  "crash",
  "crash",
  "freeze",
  "freeze",
  "interrupt",
  "interrupt",
  "weather",
  "weather",
  "weather",
  "away",
  "trouble",
  "trouble",
  "unlock",
  "pause",
  "resume",
  "cancel",
  "resend",
  "resend"
]

const mishaps: ReadonlyArray<Mishap> = [
  "unsent",
  "lost requests",
  "lost answers",
  "late requests",
  "late answers",
  "doubled requests"
]

const troubles: ReadonlyArray<Trouble> = [
  "SystemBusy",
  "SystemBusy",
  "TooFrequent",
  "QuotaReached",
  "TokenContested",
  "WrongSecret",
  "NoTemplate"
]

const drawFault = (draw: Draw, kind: FaultPlan["kind"], at: number, holder: string): FaultPlan => {
  switch (kind) {
    case "crash":
    case "interrupt":
      return { kind, at, holder, backAfter: lengthUpTo(draw, 20_000) }
    case "freeze":
      return { kind, at, holder, during: lengthUpTo(draw, 40_000) }
    case "weather":
      return {
        kind,
        at,
        holder: draw() < 0.5 ? holder : undefined,
        server: draw() < 0.6 ? "store" : "QQ",
        mishap: oneOf(draw, mishaps),
        during: lengthUpTo(draw, 20_000),
        share: oneOf(draw, [0.3, 0.7, 1]),
        by: lengthUpTo(draw, 9_000)
      }
    case "away":
      return {
        kind,
        at,
        server: draw() < 0.7 ? "store" : "QQ",
        during: lengthUpTo(draw, 30_000),
        how: draw() < 0.5 ? "refused" : "silent"
      }
    case "trouble":
      return {
        kind,
        at,
        during: lengthUpTo(draw, 20_000),
        share: oneOf(draw, [0.3, 0.7, 1]),
        answer: oneOf(draw, troubles)
      }
    case "resend":
      return {
        kind,
        at,
        endAfter: draw() < 0.5 ? between(draw, 1, draw() < 0.5 ? 200 : 5_000) : undefined,
        dies: draw() < 0.6
      }
    case "pause":
    case "resume":
    case "cancel":
    case "unlock":
      return { kind, at }
  }
}

const drawWorker = (draw: Draw, name: string, at: number): WorkerPlan => ({
  name,
  at,
  reads: oneOf(draw, ["all", "all", "rest", "none"] as const),
  runs: draw() < 0.7 ? "run" : "step",
  budget: between(draw, 500, 8_000),
  every: between(draw, 50, 3_000),
  concurrency: between(draw, 1, 5),
  wall: Math.round((draw() - 0.5) * 20_000),
  monotonic: Math.round(draw() * 1e9)
})

const answers: ReadonlyArray<RecipientAnswer> = [
  ...Array.from({ length: 12 }, () => "sent" as const),
  "later",
  "NotSubscribed",
  "QuotaReached",
  "InvalidInput"
]

const drawRows = (draw: Draw): ReadonlyArray<RowPlan> =>
  Array.from({ length: between(draw, 1, 18) }, (_, i, chance = draw()) => ({
    // Some rows are bad, and some are duplicates.
    openid: chance < 0.03 ? "" : chance < 0.08 && i > 0 ? "u1" : `u${i + 1}`,
    answer: oneOf(draw, answers)
  }))

/** What goes wrong in a run besides all else, and in which time its other faults begin (ms). */
interface Flavour {
  readonly span: number
  readonly faults: ReadonlyArray<FaultPlan>
  readonly workers: number
}

const anything = (draw: Draw): Flavour => ({
  span: oneOf(draw, [300, 1_500, 1_500, 10_000, 40_000]),
  faults: [],
  workers: between(draw, 1, 4)
})

/** QQ sends nothing at first and is slow afterwards, while results reach the ledger late. */
const lateResults = (draw: Draw): Flavour => ({
  span: 10_000,
  faults: [
    { kind: "trouble", at: 0, during: between(draw, 100, 4_000), share: oneOf(draw, [0.5, 1]), answer: "SystemBusy" },
    {
      kind: "weather",
      at: between(draw, 0, 500),
      holder: undefined,
      server: "store",
      mishap: "late requests",
      during: between(draw, 500, 5_000),
      share: oneOf(draw, [0.3, 0.5]),
      by: between(draw, 1_000, 6_000)
    },
    {
      kind: "weather",
      at: 1_000,
      holder: undefined,
      server: "QQ",
      mishap: oneOf(draw, ["late requests", "late answers"]),
      during: 10_000,
      share: 1,
      by: between(draw, 500, 3_500)
    }
  ],
  workers: between(draw, 1, 3)
})

/** Many outcomes are unknown. The operator sends again, while something is wrong. */
const resends = (draw: Draw): Flavour => {
  const lost = between(draw, 500, 3_000)
  const at = between(draw, lost, 8_000)
  return {
    span: 8_000,
    faults: [
      {
        kind: "weather",
        at: 0,
        holder: undefined,
        server: "QQ",
        mishap: oneOf(draw, ["lost answers", "lost requests", "late answers"]),
        during: lost,
        share: oneOf(draw, [0.5, 1]),
        by: between(draw, 1_000, 6_000)
      },
      { kind: "trouble", at, during: between(draw, 100, 4_000), share: oneOf(draw, [0.5, 1]), answer: "SystemBusy" },
      drawFault(draw, "resend", at + between(draw, -100, 200), ""),
      drawFault(draw, "resend", at + between(draw, 0, 5_000), "")
    ],
    workers: between(draw, 1, 2)
  }
}

/** A process stops in the middle, and the queue gives its chunks to others. */
const stuck = (draw: Draw): Flavour => {
  const at = between(draw, 20, 400)
  return {
    span: 1_000,
    faults: [
      {
        kind: "weather",
        at: 0,
        holder: undefined,
        server: "QQ",
        mishap: oneOf(draw, ["late requests", "late answers", "lost answers"]),
        during: between(draw, 50, 2_000),
        share: 1,
        by: between(draw, 100, 3_000)
      },
      draw() < 0.7
        ? { kind: "freeze", at, holder: "A", during: between(draw, 2_000, 40_000) }
        : { kind: "crash", at, holder: "A", backAfter: between(draw, 10, 10_000) },
      { kind: "unlock", at: at + between(draw, 0, 10_000) }
    ],
    workers: between(draw, 2, 3)
  }
}

const flavours = [anything, anything, anything, anything, lateResults, resends, stuck]

/** The plan of a seed. Of all that can go wrong only a few things do in one run, so that each gets its chance. */
export const planOf = (seed: number): Plan => {
  const draw = draws(seedOf(seed, 0))
  const { span, ...flavour } = oneOf(draw, flavours)(draw)
  const rate = draw() < 0.15 ? { max: between(draw, 1, 6), window: between(draw, 1, 10) * 1_000 } : undefined
  const quiet = draw() < 0.06 ? { from: between(draw, 0, 1), minutes: between(draw, 1, 2) } : undefined
  const workers = Array.from({ length: flavour.workers }, (_, i) =>
    drawWorker(draw, "ABCD"[i]!, i === 0 ? 0 : between(draw, 0, draw() < 0.7 ? 100 : span))
  )
  const possible = kinds.filter(() => draw() < 0.35)
  const faults = possible.length === 0 ? 0 : between(draw, flavour.faults.length > 0 ? 0 : 1, 6)
  const time = () => (draw() < 0.4 ? between(draw, 0, 200) : between(draw, 0, span))
  return {
    seed,
    inOrder: draw() < 0.5,
    workers,
    rows: drawRows(draw),
    chunkSize: between(draw, 1, 6),
    faults: [
      ...flavour.faults,
      ...Array.from({ length: faults }, () => drawFault(draw, oneOf(draw, possible), time(), oneOf(draw, workers).name))
    ].sort((one, other) => one.at - other.at),
    deadline: oneOf(draw, [2_000, 4_000]),
    lock: between(draw, 2, 20) * 1_000,
    rate,
    quiet,
    storeClock: between(draw, -10_000, 10_000) * 60_000,
    endsAlone: draw() < 0.5,
    endsWithResend: draw() < 0.5
  }
}
