/** Whether a plan keeps the laws: one run of it, and for T10 another one with other clocks. */
import { planOf } from "./draw.ts"
import type { Plan } from "./plan.ts"
import type { Line } from "./story.ts"
import { type Run, simulate } from "./simulate.ts"

/** Every so many seeds are run with other clocks as well, and all whose clocks jump. */
const otherClocksEvery = 8

/** The same plan where all clocks agree. */
const agreed = (plan: Plan): Plan => ({
  ...plan,
  storeClock: 0,
  holders: plan.holders.map((holder) => ({ ...holder, wall: 0, monotonic: 0 })),
  faults: plan.faults.map((fault) => (fault.kind === "jump" ? { ...fault, by: 0 } : fault))
})

const isSame = (one: Line, other: Line | undefined): boolean =>
  one.at === other?.at && (one.text === other.text || one.text.startsWith("the wall clock"))

/** Runs a plan by the laws. Without `otherClocks`, T10 is left out. */
export const judge = (plan: Plan, otherClocks = true): Run => {
  const first = simulate(plan)
  if (first.violation !== undefined || !otherClocks) return first
  const { lines } = simulate(agreed(plan))
  const place = first.lines.findIndex((line, i) => !isSame(line, lines[i]))
  if (place < 0 && lines.length === first.lines.length) return first
  const { at, text } = lines[place] ?? first.lines.at(-1)!
  const violation = { law: "T10", text: `were all clocks the same, this would come next: ${text}`, at }
  return {
    ...first,
    violation,
    lines: [...first.lines.slice(0, place), { at, text: `T10 is broken: ${violation.text}` }]
  }
}

/** Runs the plan of a seed by the laws. */
export const judgeSeed = (seed: number): { readonly plan: Plan; readonly run: Run } => {
  const plan = planOf(seed)
  const otherClocks = seed % otherClocksEvery === 0 || plan.faults.some(({ kind }) => kind === "jump")
  return { plan, run: judge(plan, otherClocks) }
}
