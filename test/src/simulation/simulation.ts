/** The simulation of clients that share a store. */
import type { Simulation } from "./command.ts"
import { planOf } from "./draw.ts"
import { found } from "./found.ts"
import { judge, judgeSeed } from "./judge.ts"
import type { Plan } from "./plan.ts"
import { smaller } from "./shrink.ts"
import { tell } from "./story.ts"

export const simulation: Simulation<Plan> = {
  planOf,
  judge: (plan, law = "T10") => judge(plan, law === "T10"),
  judgeSeed: (seed) => judgeSeed(seed).run,
  smaller,
  tell,
  found
}
