/** Draws the plan of a seed. */
import type { CallKind, CallPlan, FaultKind, FaultPlan, HolderPlan, Mishap, Plan } from "./plan.ts"
import { between, type Draw, draws, oneOf, seedOf } from "./random.ts"

const kinds: ReadonlyArray<FaultKind> = [
  "crash",
  "freeze",
  "jump",
  "forget",
  "weather",
  "weather",
  "away",
  "read-only",
  "flush",
  "busy",
  "spoiled",
  "refuse",
  "revoke",
  "thief"
]

const mishaps: ReadonlyArray<Mishap> = [
  "unsent",
  "lost requests",
  "lost answers",
  "late requests",
  "late answers",
  "doubled requests"
]

/** A length of time of any order of magnitude up to the most. */
export const lengthUpTo = (draw: Draw, most: number): number => Math.ceil(most ** (0.4 + 0.6 * draw()))

const drawFault = (draw: Draw, kind: FaultKind, at: number, holder: string): FaultPlan => {
  switch (kind) {
    case "crash":
      return { kind, at, holder, backAfter: lengthUpTo(draw, 20_000) }
    case "freeze":
      return { kind, at, holder, during: draw() < 0.5 ? between(draw, 6_000, 15_000) : lengthUpTo(draw, 30_000) }
    case "jump":
      return { kind, at, holder, by: (draw() < 0.5 ? -1 : 1) * lengthUpTo(draw, 100_000_000) }
    case "forget":
      return { kind, at, holder }
    case "weather":
      return {
        kind,
        at,
        holder: draw() < 0.5 ? holder : undefined,
        server: draw() < 0.5 ? "store" : "QQ",
        mishap: oneOf(draw, mishaps),
        during: lengthUpTo(draw, 20_000),
        share: oneOf(draw, [0.3, 0.7, 1]),
        by: lengthUpTo(draw, 9_000)
      }
    case "away":
      return {
        kind,
        at,
        server: draw() < 0.8 ? "store" : "QQ",
        during: lengthUpTo(draw, draw() < 0.2 ? 1_200_000 : 30_000),
        how: draw() < 0.5 ? "refused" : "silent"
      }
    case "read-only":
    case "busy":
      return { kind, at, during: lengthUpTo(draw, 20_000) }
    case "spoiled":
      return {
        kind,
        at,
        during: lengthUpTo(draw, 5_000),
        answer: oneOf(draw, ["html502", "empty", "truncated", "resetAfter"])
      }
    case "refuse":
      return { kind, at, times: between(draw, 1, 3) }
    case "thief":
      return { kind, at, every: lengthUpTo(draw, 400_000), times: between(draw, 1, 12) }
    case "flush":
    case "revoke":
      return { kind, at }
  }
}

/** When a caller is interrupted: at any time of a fetch, if at all. */
const drawStop = (draw: Draw): number | undefined => {
  if (draw() < 0.85) return undefined
  return draw() < 0.5 ? between(draw, 1, 60) : lengthUpTo(draw, 8_000)
}

const drawHolder = (draw: Draw, name: string): HolderPlan => {
  const runs = oneOf(draw, ["process", "process", "invocation", "request"] as const)
  const few = draw() < 0.1 ? between(draw, 1, 2) : 64
  return {
    name,
    runs,
    waitUntil: draw() < 0.3,
    wall: Math.round((draw() - 0.5) * 1e9),
    monotonic: Math.round(draw() * 1e9),
    secret: draw() < 0.04 ? "wrong" : "right",
    // Workers bound their connections, and turns of requests that were forgotten never come back
    maxInFlight: runs === "request" ? Infinity : few,
    attemptTimeout: oneOf(draw, [5_000, 5_000, 8_000])
  }
}

/** What a run is mostly about: how long it lasts, what is called, and what goes wrong besides. */
interface Flavour {
  /** Milliseconds in which the calls begin. */
  readonly span: number
  readonly calls: ReadonlyArray<CallKind>
  readonly lifetime: number
  readonly grace: number
  readonly faults: ReadonlyArray<FaultPlan>
  /** The holder whose call comes before all others, if there must be one. */
  readonly first?: string | undefined
  /** Whether calls come in bursts or all the time. */
  readonly inBursts: boolean
}

const usualCalls: ReadonlyArray<CallKind> = [
  "check",
  "check",
  "check",
  "check",
  "counted",
  "send",
  "send",
  "refresh",
  "ahead"
]

const anything = (draw: Draw): Flavour => {
  const lifetime = oneOf(draw, [7_200, 7_200, 600, 60])
  return {
    span: oneOf(draw, [5_000, 20_000, 20_000, lifetime * 1_500]),
    calls: usualCalls,
    lifetime,
    grace: oneOf(draw, [300, 300, 5, 0]),
    faults: [],
    inBursts: true
  }
}

/** More calls than the quota allows. */
const crowd = (draw: Draw): Flavour => ({
  ...anything(draw),
  span: between(draw, 60_000, 80_000),
  calls: ["counted", "counted", "counted", "counted", "check"],
  faults: [
    {
      kind: "weather",
      at: 0,
      holder: undefined,
      server: "QQ",
      mishap: oneOf(draw, ["late requests", "late requests", "lost answers"]),
      during: between(draw, 1_000, 30_000),
      share: oneOf(draw, [0.3, 0.7]),
      by: between(draw, 1_000, 9_000)
    }
  ],
  inBursts: draw() < 0.5
})

/** The store is away for many lives of a token. */
const outage = (draw: Draw): Flavour => {
  const span = between(draw, 60_000, 400_000)
  const at = between(draw, 0, 20_000)
  return {
    span,
    calls: usualCalls,
    lifetime: 60,
    grace: oneOf(draw, [0, 5]),
    faults: [
      {
        kind: "away",
        server: "store",
        at,
        during: between(draw, span / 2, span),
        how: oneOf(draw, ["refused", "silent"])
      }
    ],
    inBursts: false
  }
}

/** Another deployment fetches tokens again and again. */
const fight = (draw: Draw): Flavour => {
  const every = between(draw, 1_000, 40_000)
  const times = between(draw, 6, 12)
  return {
    span: every * times,
    calls: ["check", "check", "send"],
    lifetime: 7_200,
    grace: oneOf(draw, [0, 5]),
    faults: [{ kind: "thief", at: between(draw, 0, 2_000), every, times }],
    inBursts: false
  }
}

/** Answers of QQ are late, and who waits for them is in trouble. */
const slow = (draw: Draw): Flavour => ({
  ...anything(draw),
  span: 5_000,
  faults: [
    {
      kind: "weather",
      at: 0,
      holder: undefined,
      server: "QQ",
      mishap: oneOf(draw, ["late answers", "late requests", "lost answers", "unsent"]),
      during: between(draw, 1_000, 8_000),
      share: 1,
      by: between(draw, 1_000, 9_000)
    }
  ]
})

/** Whoever fetches first stops in the middle, while others wait. */
const stuck = (draw: Draw): Flavour => {
  const holder = oneOf(draw, ["A", "B"])
  const at = between(draw, 20, 400)
  return {
    ...anything(draw),
    span: 200,
    first: holder,
    faults: [
      {
        kind: "weather",
        at: 0,
        holder: undefined,
        server: "QQ",
        mishap: oneOf(draw, ["unsent", "unsent", "lost requests", "late answers"]),
        during: between(draw, 50, 500),
        share: 1,
        by: between(draw, 100, 3_000)
      },
      draw() < 0.7
        ? { kind: "freeze", at, holder, during: between(draw, 6_500, 12_000) }
        : { kind: "crash", at, holder, backAfter: between(draw, 10, 10_000) }
    ]
  }
}

/** The store can be read, but not written at first. */
const full = (draw: Draw): Flavour => ({
  ...anything(draw),
  span: 1_500,
  faults: [{ kind: "read-only", at: between(draw, 0, 20), during: between(draw, 400, 2_000) }],
  inBursts: false
})

const flavours = [anything, anything, anything, crowd, outage, fight, slow, stuck, full]

/** The plan of a seed. Of all that can go wrong only a few things do in one run, so that each gets its chance. */
export const planOf = (seed: number): Plan => {
  const draw = draws(seedOf(seed, 0))
  const { calls, grace, inBursts, lifetime, span, ...flavour } = oneOf(draw, flavours)(draw)
  const holders = Array.from({ length: between(draw, 2, 5) }, (_, i) => drawHolder(draw, "ABCDE"[i]!))
  const holder = () => oneOf(draw, holders).name
  const bursts = Array.from({ length: between(draw, 1, 3) }, () => between(draw, 0, span))
  const time = (least: number, most: number) =>
    inBursts && draw() < 0.7 ? Math.max(0, oneOf(draw, bursts) + between(draw, least, most)) : between(draw, 0, span)
  const possible = kinds.filter(() => draw() < 0.3)
  const faults = possible.length === 0 ? 0 : between(draw, 0, 4)
  return {
    seed,
    inOrder: draw() < 0.5,
    holders,
    calls: Array.from({ length: between(draw, 3, 12) }, (_, i) => ({
      at: i === 0 && flavour.first !== undefined ? 0 : time(0, 20),
      holder: (i === 0 ? flavour.first : undefined) ?? holder(),
      kind: oneOf(draw, calls),
      stopAfter: drawStop(draw)
    }))
      .sort((one, other) => one.at - other.at)
      .map((call, i): CallPlan => ({ ...call, id: `${i + 1}` })),
    faults: [
      ...flavour.faults,
      ...Array.from({ length: faults }, () => drawFault(draw, oneOf(draw, possible), time(-50, 300), holder()))
    ].sort((one, other) => one.at - other.at),
    storeClock: between(draw, -10_000, 10_000) * 60_000,
    storeWatches: draw() < 0.25,
    lifetime,
    grace,
    limit: between(draw, 1, 4)
  }
}
