/**
 * As many schedules as one likes: `node test/src/simulation/run.ts --schedules 1000000 --from 1`. It ends at the first that
 * breaks a law, cuts it down and tells its story; with `--all` it goes on and counts. `--seed 7` tells the story of a seed.
 */
import { parseArgs } from "node:util"
import { found } from "./found.ts"
import { judge, judgeSeed } from "./judge.ts"
import { shrink } from "./shrink.ts"
import { tell } from "./story.ts"
import { simulate } from "./simulate.ts"

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
const reportEveryMillis = 5_000

const say = (text: string) => process.stdout.write(`${text}\n`)

/** Runs the plans that broke a law once; gives whether none does. */
const areKeptPlansGood = (): boolean => {
  for (const [name, plan] of Object.entries(found)) {
    const { violation } = judge(plan)
    if (violation === undefined) continue
    say(`the plan of "${name}": ${violation.law} is broken: ${violation.text}`)
    return false
  }
  return true
}

/** Runs all schedules; gives whether none broke a law. */
const main = (): boolean => {
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
    const { plan, run } = judgeSeed(seed)
    steps += run.steps
    if (run.violation !== undefined) {
      const { law, text } = run.violation
      broken.set(law, [...(broken.get(law) ?? []), seed])
      if (!values.all) {
        say(`seed ${seed}, schedule ${seed - from + 1}: ${law} is broken: ${text}`)
        if (!values.quiet) {
          const small = shrink(plan, (plan) => judge(plan, law === "T10").violation?.law === law)
          say(`\n${tell(small, judge(small, law === "T10").lines)}\n`)
        }
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
  const { plan } = judgeSeed(Number(values.seed))
  say(tell(plan, simulate(plan).lines))
} else if (!areKeptPlansGood() || !main()) process.exitCode = 1
