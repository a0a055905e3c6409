/** One run of a plan from its beginning to its end. */
import { endOf, strike } from "./faults.ts"
import type { Call } from "./facts.ts"
import type { Plan } from "./plan.ts"
import type { Line } from "./story.ts"
import { type Violation, World } from "./world.ts"

/** What came of a run. */
export interface Run {
  readonly violation: Violation | undefined
  readonly lines: ReadonlyArray<Line>
  readonly steps: number
}

// What a call may take beyond its deadline, for a store that does not answer in the end (ms).
const slackMillis = 3_500
const deadlineMillis = 15_000
// After the last fault: until tokens that were fetched alone are everybody's; or until a contest is over (ms).
const settledMillis = 25_000
const contestMillis = 640_000
// More turns than this without time passing is a loop.
const maxStepsAtOnce = 5_000

const freshId = (holder: string, round: number): string => `fresh ${holder}${round}`

class Simulation {
  readonly #world: World

  constructor(plan: Plan) {
    this.#world = new World(plan)
  }

  /** Lets things happen until then; gives whether no law was broken. */
  #runUntil(time: number, isDone: () => boolean = () => false): boolean {
    while (this.#world.violation === undefined && !isDone()) {
      if (!this.#world.timeline.step(time)) {
        this.#world.timeline.now = Math.max(this.#world.timeline.now, time)
        break
      }
      if (this.#world.timeline.stepsAtOnce > maxStepsAtOnce)
        this.#world.fail("T6", `${maxStepsAtOnce} turns without time passing`)
    }
    return this.#world.violation === undefined
  }

  #isQuiet(): boolean {
    for (const holder of this.#world.holders.values()) if (holder.active > 0) return false
    return true
  }

  /** All calls under way are to end by their deadlines. */
  #finish(): boolean {
    if (!this.#runUntil(this.#world.timeline.now + deadlineMillis + slackMillis, () => this.#isQuiet())) return false
    if (!this.#isQuiet()) this.#world.fail("D3", "a call is not answered by its deadline")
    return this.#world.violation === undefined
  }

  #freshRound(round: number): boolean {
    for (const name of this.#world.holders.keys()) {
      const call = { id: freshId(name, round), at: this.#world.timeline.now, holder: name, kind: "check" } as const
      this.#world.begin(call, round)
    }
    return this.#finish()
  }

  #haveSucceeded(round: number): boolean {
    for (const { plan } of this.#world.holders.values()) {
      const outcome = this.#world.facts.calls.get(freshId(plan.name, round))?.outcome
      if (plan.secret === "right" && outcome !== "success") return false
    }
    return true
  }

  /** The call that used a token in a round that is nobody else's. */
  #astray(round: number): Call | undefined {
    for (const name of this.#world.holders.keys()) {
      const call = this.#world.facts.calls.get(freshId(name, round))
      const used = call?.used
      if (used === undefined || used.isStored) continue
      // where QQ refused a newer one, this one is taken for dead as well, until QQ refuses it
      if (this.#world.facts.grants.some(({ at, refusedAt }) => at > used.at && refusedAt !== undefined)) continue
      return call
    }
    return undefined
  }

  /** Fresh calls succeed, and tokens that were fetched without the store become everybody's. */
  #recover(): void {
    // where nothing runs between calls, each round of calls settles one token at least
    const rounds = this.#world.holders.size + 1
    for (let round = 1; ; round++) {
      if (!this.#freshRound(round)) return
      const astray = this.#astray(round)
      if (astray === undefined && this.#haveSucceeded(round)) return
      if (astray !== undefined && round > rounds) {
        return this.#world.fail(
          "T6",
          `holder ${astray.plan.holder} still uses ${astray.used!.name}, which is nobody else's`
        )
      }
      if (!this.#runUntil(this.#world.timeline.now + settledMillis)) return
    }
  }

  run(): Run {
    const { calls, faults } = this.#world.plan
    for (const call of calls) this.#world.timeline.at(call.at, () => this.#world.begin(call))
    for (const fault of faults) this.#world.timeline.at(fault.at, () => strike(this.#world, fault))
    const calm = Math.max(0, ...calls.map(({ at }) => at), ...faults.map(endOf))
    if (this.#runUntil(calm + 1) && this.#finish()) {
      this.#world.platform.run((sandbox) => sandbox.heal)
      this.#world.note("all is well again")
      const deaths = this.#world.facts.grants.filter(({ refusedAt }) => refusedAt !== undefined).length
      const rest = deaths > 2 ? contestMillis : settledMillis
      if (this.#runUntil(this.#world.timeline.now + rest)) this.#recover()
    }
    const violation = this.#world.violation
    if (violation !== undefined) this.#world.note(`${violation.law} is broken: ${violation.text}`)
    return { violation, lines: this.#world.lines, steps: this.#world.timeline.steps }
  }
}

/** Runs a plan. The same plan runs the same way every time. */
export const simulate = (plan: Plan): Run => new Simulation(plan).run()
