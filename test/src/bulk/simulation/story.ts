/** What happened in a run, in its order, as words. */
import type { FaultPlan as NetworkFault } from "../../simulation/plan.ts"
import { asText, faultText as networkFaultText, type Line, seconds } from "../../simulation/story.ts"
import type { FaultPlan, Plan } from "./plan.ts"

/** A fault, or what the operator does, in words. */
export const faultText = (fault: FaultPlan): string => {
  switch (fault.kind) {
    case "interrupt":
      return `worker ${fault.holder} is interrupted, and starts again ${seconds(fault.backAfter)} after its end`
    case "trouble":
      return `for ${seconds(fault.during)}, ${fault.share * 100} % of all messages meet ${fault.answer}`
    case "unlock":
      return "the queue takes all chunks for unlocked"
    case "pause":
    case "resume":
    case "cancel":
      return `the operator wants to ${fault.kind}`
    case "resend": {
      const { dies, endAfter } = fault
      const end = endAfter === undefined ? "" : `, and ${dies ? "dies" : "is interrupted"} after ${seconds(endAfter)}`
      return `the operator sends to the unknown again${end}`
    }
    default:
      return networkFaultText(fault as NetworkFault)
  }
}

const reading = { all: "reads all recipients", rest: "reads the recipients that are left", none: "reads nothing" }

const beginning = (plan: Plan): ReadonlyArray<string> => [
  `Seed ${plan.seed}. Turns of a process run ${plan.inOrder ? "in their order" : "in any order"}.`,
  `The recipients, in chunks of ${plan.chunkSize}: ${plan.rows.map(({ answer, openid }) => `${openid || "none"} (${answer})`).join(", ")}.`,
  `A message has ${seconds(plan.deadline)}, a lock of the queue ${seconds(plan.lock)}.`,
  ...(plan.rate === undefined ? [] : [`The limit is ${plan.rate.max} in ${seconds(plan.rate.window)}.`]),
  ...(plan.quiet === undefined ? [] : [`After ${plan.quiet.from} minutes, ${plan.quiet.minutes} minutes are quiet.`]),
  ...plan.workers.map(
    ({ budget, concurrency, monotonic, name, reads, runs, wall }) =>
      `Worker ${name} ${reading[reads]}${runs === "step" ? `, in steps of ${seconds(budget)}` : ""}, and sends ${concurrency} at once; its clocks are ahead by ${seconds(wall)} and ${seconds(monotonic)}.`
  )
]

/** The whole story. */
export const tell = (plan: Plan, lines: ReadonlyArray<Line>): string => asText(beginning(plan), lines)
