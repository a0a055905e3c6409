/** One run of a plan from its beginning to its end. */
import type { Entry } from "@qq-mini/core/SendLedger"
import { endOf as endOfFault } from "../../simulation/faults.ts"
import type { FaultPlan as NetworkFault } from "../../simulation/plan.ts"
import type { Run } from "../../simulation/simulate.ts"
import type { FaultPlan, Plan } from "./plan.ts"
import { faultText } from "./story.ts"
import { World } from "./world.ts"

// How long the healthy process may take: pauses of the gate, locks, claims, and what a recipient waits for (ms).
const longestEndMillis = 600_000
const resumeEveryMillis = 5_000
// The others hear of the end within this time (ms).
const othersMillis = 150_000
// More turns than this without time passing is a loop.
const maxStepsAtOnce = 20_000

/** What came of a run, and what the ledger says in the end. */
export interface BroadcastRun extends Run {
  readonly entry: Entry | undefined
}

/** When a fault is over. */
const endOf = (fault: FaultPlan): number => {
  switch (fault.kind) {
    case "interrupt":
      return fault.at + fault.backAfter
    case "resend":
      return fault.at + (fault.endAfter ?? 0)
    case "trouble":
      return fault.at + fault.during
    case "pause":
    case "resume":
    case "cancel":
    case "unlock":
      return fault.at
    default:
      return endOfFault(fault as NetworkFault)
  }
}

class Simulation {
  readonly #world: World

  constructor(plan: Plan) {
    this.#world = new World(plan)
  }

  /** Lets things happen until then; gives whether no law was broken. */
  #runUntil(time: number, isDone: () => boolean = () => false): boolean {
    const { timeline } = this.#world
    while (this.#world.violation === undefined && !isDone()) {
      if (!timeline.step(time)) {
        timeline.now = Math.max(timeline.now, time)
        break
      }
      if (timeline.stepsAtOnce > maxStepsAtOnce) {
        this.#world.fail("B3", `${maxStepsAtOnce} turns without time passing`)
      }
    }
    return this.#world.violation === undefined
  }

  #begin(name: string): void {
    this.#world.work(this.#world.plan.workers.find((worker) => worker.name === name)!)
  }

  #strike(fault: FaultPlan): void {
    const world = this.#world
    const { now } = world.timeline
    world.note(faultText(fault))
    const later = (millis: number, then: () => void) => world.timeline.at(now + millis, then)
    switch (fault.kind) {
      case "crash":
        world.kill(fault.holder)
        return void later(fault.backAfter, () => this.#begin(fault.holder))
      case "freeze":
        return world.freeze(fault.holder, fault.during)
      case "interrupt":
        return world.interrupt(fault.holder, () =>
          world.timeline.at(world.timeline.now + fault.backAfter, () => this.#begin(fault.holder))
        )
      case "unlock":
        return world.queue.unlock()
      case "pause":
      case "resume":
      case "cancel":
        return void world.operate(fault.kind, (broadcast) => broadcast[fault.kind])
      case "resend": {
        const operator = world.operate("resend", (broadcast) => broadcast.resendUnknown)
        if (fault.endAfter === undefined) return
        return void later(fault.endAfter, () =>
          fault.dies ? world.kill(operator) : world.interrupt(operator, () => {})
        )
      }
    }
  }

  /** Resumes the broadcast again and again: a pause may be late. */
  #resumeAlways(): void {
    const world = this.#world
    if (world.laws.control === "paused") world.operate("resume", ({ resume }) => resume)
    world.timeline.at(world.timeline.now + resumeEveryMillis, () => this.#resumeAlways())
  }

  /** B2: one healthy process ends the broadcast, whatever has happened, and the others end with it. */
  #end(): boolean {
    const world = this.#world
    const { plan, timeline } = world
    for (const name of world.actors.keys()) {
      if (plan.endsAlone) world.kill(name)
      else if (world.actors.get(name)!.frozenUntil > timeline.now) world.actors.get(name)!.frozenUntil = 0
    }
    world.note("all is well again")
    world.work({
      name: "Z",
      at: timeline.now,
      reads: "all",
      runs: "run",
      budget: 0,
      every: 1_000,
      concurrency: 4,
      wall: 0,
      monotonic: 0
    })
    this.#resumeAlways()
    const healthy = world.actors.get("Z")!
    if (!this.#runUntil(timeline.now + longestEndMillis, () => healthy.living === undefined)) return false
    if (healthy.living !== undefined) {
      world.fail("B2", `the broadcast does not end: ${JSON.stringify(world.entry)}`)
      return false
    }
    const others = () => [...world.actors.values()].filter(({ living }) => living !== undefined)
    if (!this.#runUntil(timeline.now + othersMillis, () => others().length === 0)) return false
    for (const { name } of others()) world.fail("B2", `the broadcast is over, and ${name} still runs`)
    return world.violation === undefined
  }

  #resendAll(): boolean {
    const world = this.#world
    const operator = world.operate("resend", ({ resendUnknown }) => resendUnknown)
    const actor = world.actors.get(operator)!
    if (!this.#runUntil(world.timeline.now + longestEndMillis, () => actor.living === undefined)) return false
    if (actor.living !== undefined) world.fail("B2", "sending to the unknown again does not end")
    return world.violation === undefined
  }

  run(): BroadcastRun {
    const world = this.#world
    const { plan, timeline } = world
    for (const { at, name } of plan.workers) timeline.at(at, () => this.#begin(name))
    for (const fault of plan.faults) timeline.at(fault.at, () => this.#strike(fault))
    const calm = Math.max(0, ...plan.workers.map(({ at }) => at), ...plan.faults.map(endOf))
    if (this.#runUntil(calm + 1) && this.#end()) {
      world.laws.ended(world.entry!.counts, "finished")
      if (plan.endsWithResend && this.#resendAll()) world.laws.ended(world.entry!.counts, "without unknown")
    }
    const { lines, violation } = world
    if (violation !== undefined) world.note(`${violation.law} is broken: ${violation.text}`)
    return { violation, lines, steps: timeline.steps, entry: world.entry }
  }
}

/** Runs a plan. The same plan runs the same way every time. */
export const simulate = (plan: Plan): BroadcastRun => new Simulation(plan).run()
