/** Plans that are a little smaller than one that breaks a law. */
import type { FaultPlan as NetworkFault } from "../../simulation/plan.ts"
import { half, halved, without } from "../../simulation/shrink.ts"
import type { FaultPlan, Plan } from "./plan.ts"

const shorter = (fault: FaultPlan): FaultPlan => {
  switch (fault.kind) {
    case "interrupt":
      return { ...fault, backAfter: half(fault.backAfter) }
    case "trouble":
      return { ...fault, during: half(fault.during) }
    case "resend":
      return fault.endAfter === undefined ? fault : { ...fault, endAfter: half(fault.endAfter) }
    case "unlock":
    case "pause":
    case "resume":
    case "cancel":
      return fault
    default:
      return halved(fault as NetworkFault) as FaultPlan
  }
}

/** Plans that are a little smaller, the smallest first. */
export function* smaller(plan: Plan): Generator<Plan> {
  const { chunkSize, faults, rows, workers } = plan
  for (const [i, { name }] of workers.entries()) {
    if (workers.length === 1) break
    const rest = faults.filter((fault) => !("holder" in fault) || fault.holder !== name)
    yield { ...plan, workers: without(workers, i), faults: rest }
  }
  for (const i of faults.keys()) yield { ...plan, faults: without(faults, i) }
  if (rows.length > 1) for (const i of rows.keys()) yield { ...plan, rows: without(rows, i) }
  if (plan.rate !== undefined) yield { ...plan, rate: undefined }
  if (plan.quiet !== undefined) yield { ...plan, quiet: undefined }
  if (plan.endsWithResend) yield { ...plan, endsWithResend: false }
  if (plan.endsAlone) yield { ...plan, endsAlone: false }
  if (chunkSize < 100) yield { ...plan, chunkSize: 100 }
  for (const [i, fault] of faults.entries()) {
    const less = shorter(fault)
    if (JSON.stringify(less) !== JSON.stringify(fault)) yield { ...plan, faults: faults.with(i, less) }
    if (fault.at > 100) yield { ...plan, faults: faults.with(i, { ...fault, at: half(fault.at) }) }
  }
  for (const [i, row] of rows.entries()) {
    if (row.answer !== "sent") yield { ...plan, rows: rows.with(i, { ...row, answer: "sent" }) }
  }
  for (const [i, worker] of workers.entries()) {
    const { at, concurrency, monotonic, reads, runs, wall } = worker
    if (runs !== "run") yield { ...plan, workers: workers.with(i, { ...worker, runs: "run" }) }
    if (reads !== "all") yield { ...plan, workers: workers.with(i, { ...worker, reads: "all" }) }
    if (concurrency > 1) yield { ...plan, workers: workers.with(i, { ...worker, concurrency: 1 }) }
    if (at > 0) yield { ...plan, workers: workers.with(i, { ...worker, at: 0 }) }
    if (wall !== 0 || monotonic !== 0) {
      yield { ...plan, workers: workers.with(i, { ...worker, wall: 0, monotonic: 0 }) }
    }
  }
  if (!plan.inOrder) yield { ...plan, inOrder: true }
  if (plan.storeClock !== 0) yield { ...plan, storeClock: 0 }
}
