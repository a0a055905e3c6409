/** Cuts a failing plan down to what it needs to fail: fewer faults, holders and calls, and shorter times. */
import type { CallPlan, FaultPlan, Plan } from "./plan.ts"

export const without = <A>(all: ReadonlyArray<A>, place: number): ReadonlyArray<A> => all.filter((_, i) => i !== place)

export const half = (millis: number): number => Math.ceil(millis / 2)

export const halved = (fault: FaultPlan): FaultPlan => {
  switch (fault.kind) {
    case "crash":
      return { ...fault, backAfter: half(fault.backAfter) }
    case "weather":
      return { ...fault, during: half(fault.during), by: half(fault.by) }
    case "thief":
      return { ...fault, every: half(fault.every), times: half(fault.times) }
    default:
      return "during" in fault ? { ...fault, during: half(fault.during) } : fault
  }
}

const earlier = <A extends { readonly at: number }>(
  all: ReadonlyArray<A>,
  from: number,
  by: number
): ReadonlyArray<A> => all.map((one) => (one.at < from ? one : { ...one, at: one.at - by }))

const isNotOf = (name: string) => (one: CallPlan | FaultPlan) => !("holder" in one) || one.holder !== name

/** Plans that are a little smaller, the smallest first. */
export function* smaller(plan: Plan): Generator<Plan> {
  const { calls, faults, holders } = plan
  for (const { name } of holders) {
    const rest = holders.filter((holder) => holder.name !== name)
    if (rest.length > 0)
      yield { ...plan, holders: rest, calls: calls.filter(isNotOf(name)), faults: faults.filter(isNotOf(name)) }
  }
  for (const i of faults.keys()) yield { ...plan, faults: without(faults, i) }
  for (const i of calls.keys()) yield { ...plan, calls: without(calls, i) }
  // what nothing happens in
  const times = [...calls, ...faults].map(({ at }) => at).sort((one, other) => one - other)
  for (const [i, at] of times.entries()) {
    const gap = at - (times[i - 1] ?? 0)
    if (gap > 10) {
      const by = Math.floor(gap / 2)
      yield { ...plan, calls: earlier(calls, at, by), faults: earlier(faults, at, by) }
    }
  }
  for (const [i, fault] of faults.entries()) {
    const shorter = halved(fault)
    if (JSON.stringify(shorter) !== JSON.stringify(fault)) yield { ...plan, faults: faults.with(i, shorter) }
  }
  for (const [i, call] of calls.entries()) {
    if (call.stopAfter !== undefined) yield { ...plan, calls: calls.with(i, { ...call, stopAfter: undefined }) }
    if (call.kind !== "check") yield { ...plan, calls: calls.with(i, { ...call, kind: "check" }) }
  }
  for (const [i, holder] of holders.entries()) {
    if (holder.runs !== "process")
      yield { ...plan, holders: holders.with(i, { ...holder, runs: "process", waitUntil: false }) }
    if (holder.wall !== 0 || holder.monotonic !== 0)
      yield { ...plan, holders: holders.with(i, { ...holder, wall: 0, monotonic: 0 }) }
    if (holder.maxInFlight < 64) yield { ...plan, holders: holders.with(i, { ...holder, maxInFlight: 64 }) }
  }
  if (!plan.inOrder) yield { ...plan, inOrder: true }
  if (plan.storeClock !== 0) yield { ...plan, storeClock: 0 }
  if (plan.storeWatches) yield { ...plan, storeWatches: false }
}

/** The smallest plan found that still fails, in so many tries at the most. */
export const shrink = <P>(
  plan: P,
  smaller: (plan: P) => Iterable<P>,
  fails: (plan: P) => boolean,
  mostTries = 2_000
): P => {
  let best = plan
  let tries = 0
  for (let found = true; found;) {
    found = false
    for (const candidate of smaller(best)) {
      if (++tries > mostTries) return best
      if (fails(candidate)) {
        best = candidate
        found = true
        break
      }
    }
  }
  return best
}
