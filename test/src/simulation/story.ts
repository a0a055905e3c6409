/** What happened in a run, in its order, as words. */
import type { FaultPlan, Plan } from "./plan.ts"

/** One thing that happened. */
export interface Line {
  readonly at: number
  readonly text: string
}

export const seconds = (millis: number): string => `${Number((millis / 1_000).toFixed(3))} s`

/** A fault in words. */
export const faultText = (fault: FaultPlan): string => {
  switch (fault.kind) {
    case "crash":
      return `holder ${fault.holder} crashes, and starts again after ${seconds(fault.backAfter)}`
    case "freeze":
      return `holder ${fault.holder} is frozen for ${seconds(fault.during)}`
    case "jump":
      return `the wall clock of holder ${fault.holder} jumps by ${seconds(fault.by)}`
    case "forget":
      return `the requests under way at holder ${fault.holder} are forgotten, if it is a Worker`
    case "weather": {
      const whose = fault.holder === undefined ? "everybody" : `holder ${fault.holder}`
      const delay = /late|doubled/.test(fault.mishap) ? ` by ${seconds(fault.by)}` : ""
      return `for ${seconds(fault.during)}, ${fault.share * 100} % of what ${whose} asks ${fault.server === "QQ" ? "QQ" : "the store"} meets "${fault.mishap}"${delay}`
    }
    case "away":
      return `${fault.server === "QQ" ? "QQ" : "the store"} is away for ${seconds(fault.during)}: ${fault.how === "refused" ? "connections are refused" : "it does not answer"}`
    case "read-only":
      return `nothing can be written to the store for ${seconds(fault.during)}`
    case "flush":
      return "the store loses all it had"
    case "busy":
      return `QQ is busy for ${seconds(fault.during)}`
    case "spoiled":
      return `QQ's answers are spoiled for ${seconds(fault.during)}: ${fault.answer}`
    case "refuse":
      return `QQ refuses the next tokens, however good, ${fault.times} times`
    case "revoke":
      return "all tokens are revoked at QQ"
    case "thief":
      return `another deployment fetches a token, ${fault.times} times, every ${seconds(fault.every)}`
  }
}

const lives = {
  process: "a process",
  invocation: "a cloud function, frozen between its calls",
  request: "a Worker, each call a request of its own"
}

/** Who and what there is at the beginning. */
const beginning = (plan: Plan): ReadonlyArray<string> => [
  `Seed ${plan.seed}. Turns of a process run ${plan.inOrder ? "in their order" : "in any order"}.`,
  `A token lives ${plan.lifetime} s, and ${plan.grace} s after another was fetched. The quota is ${plan.limit} in 60 s.`,
  `The store's clock is ahead by ${seconds(plan.storeClock)}; it ${plan.storeWatches ? "tells of changes" : "tells nothing"}.`,
  ...plan.holders.map(
    ({ attemptTimeout, maxInFlight, monotonic, name, runs, secret, waitUntil, wall }) =>
      `Holder ${name} is ${lives[runs]}${runs === "request" && waitUntil ? ", with waitUntil" : ""}${secret === "wrong" ? ", with a wrong secret" : ""}${maxInFlight < 64 ? `, ${maxInFlight} requests at once` : ""}${attemptTimeout === 5_000 ? "" : `, ${seconds(attemptTimeout)} for an attempt`}; its clocks are ahead by ${seconds(wall)} and ${seconds(monotonic)}.`
  )
]

/** A beginning, and what happened after it. */
export const asText = (beginning: ReadonlyArray<string>, lines: ReadonlyArray<Line>): string =>
  [...beginning, "", ...lines.map(({ at, text }) => `at ${seconds(at).padStart(9)}  ${text}`)].join("\n")

/** The whole story. */
export const tell = (plan: Plan, lines: ReadonlyArray<Line>): string => asText(beginning(plan), lines)
