/** Runs a plan that is to keep all laws. */
import { assert } from "@effect/vitest"
import type { Plan } from "./plan.ts"
import { type BroadcastRun, simulate } from "./simulate.ts"
import { tell } from "./story.ts"

/** The run of a plan, which breaks no law. */
export const keptBy = (plan: Plan): BroadcastRun => {
  const run = simulate(plan)
  assert.isUndefined(run.violation, tell(plan, run.lines))
  return run
}

const timesOf = (text: string, { lines }: BroadcastRun): ReadonlyArray<number> =>
  lines.filter((line) => line.text === text || line.text.startsWith(`${text} `)).map(({ at }) => at)

/** When QQ sent messages to a recipient (ms). */
export const messagesTo = (openid: string, run: BroadcastRun): ReadonlyArray<number> =>
  timesOf(`QQ sends the message to ${openid}`, run)

/** When messages left a process (ms). */
export const departures = (run: BroadcastRun): ReadonlyArray<number> => timesOf("the message to", run)
