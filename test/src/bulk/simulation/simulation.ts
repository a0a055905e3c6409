/** The simulation of processes that work on one broadcast. */
import type { Simulation } from "../../simulation/command.ts"
import { planOf } from "./draw.ts"
import { found } from "./found.ts"
import type { Plan } from "./plan.ts"
import { smaller } from "./shrink.ts"
import { simulate } from "./simulate.ts"
import { tell } from "./story.ts"

export const simulation: Simulation<Plan> = {
  planOf,
  judge: simulate,
  judgeSeed: (seed) => simulate(planOf(seed)),
  smaller,
  tell,
  found
}
