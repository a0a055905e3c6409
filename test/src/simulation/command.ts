/** Runs as many schedules of a simulation as one likes, and tells the story of the first that breaks a law. */
import { parseArgs } from "node:util"
import { shrink } from "./shrink.ts"
import type { Run } from "./simulate.ts"
import type { Line } from "./story.ts"

/** A world that a seed decides, and the laws in it. */
export interface Simulation<P> {
  readonly planOf: (seed: number) => P
  /** Runs a plan by the laws, or by what is needed to see whether this one is broken. */
  readonly judge: (plan: P, law?: string) => Run
  readonly judgeSeed: (seed: number) => Run
  readonly smaller: (plan: P) => Iterable<P>
  readonly tell: (plan: P, lines: ReadonlyArray<Line>) => string
  /** Plans that broke a law once. */
  readonly found: Readonly<Record<string, P>>
}

/** The story of the smallest plan that breaks the law as the plan of this seed does. */
export const storyOf = <P>({ judge, planOf, smaller, tell }: Simulation<P>, seed: number, law: string): string => {
  const small = shrink(planOf(seed), smaller, (plan) => judge(plan, law).violation?.law === law)
  return `${tell(small, judge(small, law).lines)}\n\n${JSON.stringify(small)}`
}

const reportEveryMillis = 5_000

const say = (text: string) => process.stdout.write(`${text}\n`)

/** Runs the plans that broke a law once; gives whether none does. */
const areKeptPlansGood = <P>({ found, judge }: Simulation<P>): boolean => {
  for (const [name, plan] of Object.entries(found)) {
    const { violation } = judge(plan)
    if (violation === undefined) continue
    say(`the plan of "${name}": ${violation.law} is broken: ${violation.text}`)
    return false
  }
  return true
}

/**
 * The command: `--schedules 1000000 --from 1`. It ends at the first that breaks a law, cuts it down and tells its story;
 * with `--all` it goes on and counts. `--seed 7` tells the story of a seed.
 */
export const command = <P>(simulation: Simulation<P>): void => {
  const { values } = parseArgs({
    options: {
      schedules: { type: "string", default: "10000" },
      from: { type: "string", default: "1" },
      seed: { type: "string" },
      all: { type: "boolean", default: false },
      quiet: { type: "boolean", default: false }
    }
  })
  // nobody reads them, and they cost a third of the time
  Error.stackTraceLimit = 0

  /** Runs all schedules; gives whether none broke a law. */
  const areAllGood = (): boolean => {
    const from = Number(values.from)
    const count = Number(values.schedules)
    const broken = new Map<string, Array<number>>()
    const began = performance.now()
    let reported = began
    let steps = 0
    const report = (done: number) => {
      const speed = Math.round((done * 1_000) / (performance.now() - began))
      say(`${done} schedules, ${Math.round(steps / done)} steps each, ${speed} a second, seeds from ${from}`)
    }
    for (let seed = from; seed < from + count; seed++) {
      const run = simulation.judgeSeed(seed)
      steps += run.steps
      if (run.violation !== undefined) {
        const { law, text } = run.violation
        broken.set(law, [...(broken.get(law) ?? []), seed])
        if (!values.all) {
          say(`seed ${seed}, schedule ${seed - from + 1}: ${law} is broken: ${text}`)
          if (!values.quiet) say(`\n${storyOf(simulation, seed, law)}\n`)
          return false
        }
      }
      if (!values.quiet && performance.now() - reported > reportEveryMillis) {
        reported = performance.now()
        report(seed - from + 1)
      }
    }
    report(count)
    for (const [law, seeds] of broken) say(`${law}: ${seeds.length} seeds, as ${seeds.slice(0, 5).join(", ")}`)
    return broken.size === 0
  }

  if (values.seed !== undefined) {
    const plan = simulation.planOf(Number(values.seed))
    say(simulation.tell(plan, simulation.judge(plan).lines))
  } else if (!areKeptPlansGood(simulation) || !areAllGood()) process.exitCode = 1
}
