/** The network between holders and servers: latencies that a seed draws, and what the plan lets go wrong. */
import * as Effect from "effect/Effect"
import type { Facts } from "./facts.ts"
import type { FaultPlan, Mishap, Server } from "./plan.ts"
import { between, type Draw } from "./random.ts"
import { here, type Process, type Timeline } from "./scheduler.ts"

/** The end of an exchange as its caller sees it. `unsent`: nothing left. `broken`: it is not known what came of it. */
export type Arrived<A> = { readonly answer: A } | "unsent" | "broken"

export interface Exchange<A> {
  readonly from: Process
  readonly holder: string
  readonly server: Server
  readonly mayDouble: boolean
  /** What the server does when the request comes. */
  readonly perform: () => A | "broken"
  readonly done: (arrived: Arrived<A>) => void
}

// Milliseconds of a way, usually and now and then.
const usual = { store: [1, 4], QQ: [5, 40] } as const
const slow = { store: 60, QQ: 400 } as const

export class Network {
  readonly #timeline: Timeline
  readonly #faults: ReadonlyArray<FaultPlan>
  readonly #facts: Facts
  readonly #draw: Draw
  readonly #onAsk: (holder: string, server: Server) => void

  constructor(options: {
    readonly timeline: Timeline
    readonly faults: ReadonlyArray<FaultPlan>
    readonly facts: Facts
    readonly draw: Draw
    /** Hears of every request that a holder makes. */
    readonly onAsk: (holder: string, server: Server) => void
  }) {
    this.#timeline = options.timeline
    this.#faults = options.faults.filter(({ kind }) => kind === "weather" || kind === "away")
    this.#facts = options.facts
    this.#draw = options.draw
    this.#onAsk = options.onAsk
  }

  #way(server: Server): number {
    const [least, most] = usual[server]
    return between(this.#draw, least, this.#draw() < 0.05 ? slow[server] : most)
  }

  /** The mishaps that strike a message now. */
  #mishaps(holder: string, server: Server): Array<{ readonly mishap: Mishap; readonly by: number }> {
    const { now } = this.#timeline
    const struck: Array<{ readonly mishap: Mishap; readonly by: number }> = []
    for (const fault of this.#faults) {
      if (fault.kind !== "weather" || fault.server !== server || now < fault.at || now >= fault.at + fault.during)
        continue
      if (fault.holder !== undefined && fault.holder !== holder) continue
      if (this.#draw() < fault.share) struck.push(fault)
    }
    return struck
  }

  #awayAs(server: Server): "refused" | "silent" | undefined {
    const { now } = this.#timeline
    for (const fault of this.#faults) {
      if (fault.kind === "away" && fault.server === server && now >= fault.at && now < fault.at + fault.during)
        return fault.how
    }
    return undefined
  }

  #trouble(holder: string, server: Server, from: number, to: number): void {
    this.#facts.trouble(server, holder, from, to)
  }

  /** Sends a request and brings the answer back, if all goes well. */
  exchange<A>({ done, from, holder, mayDouble, perform, server }: Exchange<A>): void {
    const { now } = this.#timeline
    this.#onAsk(holder, server)
    const answer = (arrived: Arrived<A>, delay: number) =>
      this.#timeline.at(this.#timeline.now + delay, () => from.later(() => done(arrived)))
    let late = 0
    let answerLate = 0
    let isLost = false
    let isAnswerLost = false
    let doubledAfter: number | undefined
    for (const { by, mishap } of this.#mishaps(holder, server)) {
      if (mishap !== "doubled requests") this.#trouble(holder, server, now, now + by)
      if (mishap === "unsent") {
        answer("unsent", this.#way(server))
        return
      }
      if (mishap === "lost requests") isLost = true
      else if (mishap === "lost answers") isAnswerLost = true
      else if (mishap === "late requests") late += by
      else if (mishap === "late answers") answerLate += by
      else if (mayDouble) doubledAfter = Math.min(by, 500)
    }
    if (this.#awayAs(server) === "refused") {
      this.#trouble(holder, server, now, now)
      answer("unsent", this.#way(server))
      return
    }
    const arrive = (isHeard: boolean) => {
      if (this.#awayAs(server) !== undefined) {
        this.#trouble(holder, server, now, this.#timeline.now)
        return
      }
      const performed = perform()
      if (performed === "broken") {
        this.#trouble(holder, server, now, this.#timeline.now)
        answer("broken", this.#way(server))
      } else if (isHeard && !isAnswerLost) answer({ answer: performed }, this.#way(server) + answerLate)
    }
    // some lose a request without a word, others break the connection
    if (isLost || isAnswerLost) {
      if (this.#draw() < 0.5) answer("broken", this.#way(server) + this.#way(server) + 1_000 * this.#draw())
      if (isLost) return
    }
    const travel = this.#way(server) + late
    // of a request that came twice, either answer may be the one that is heard
    const isSecondHeard = doubledAfter !== undefined && this.#draw() < 0.5
    this.#timeline.at(now + travel, () => arrive(!isSecondHeard))
    if (doubledAfter !== undefined) this.#timeline.at(now + travel + doubledAfter, () => arrive(isSecondHeard))
  }
  /** Asks a server from the process that runs the effect, and waits at most so many milliseconds. */
  ask<A>({
    millis,
    ...exchange
  }: Omit<Exchange<A>, "from" | "done"> & { readonly millis: number }): Effect.Effect<A, "unsent" | "broken"> {
    return Effect.flatMap(here, (from) =>
      Effect.callback((resume) => {
        const end = (arrived: Arrived<A>) => {
          cancel()
          resume(typeof arrived === "object" ? Effect.succeed(arrived.answer) : Effect.fail(arrived))
        }
        const cancel = from.after(millis, () => end("broken"))
        this.exchange({ ...exchange, from, done: end })
        return Effect.sync(cancel)
      })
    )
  }
}
