/** QQ and the client before it: each message is sent, refused, not sent because of some trouble, or of unknown outcome. */
import { send } from "@qq-mini/core/SubscribeMessage"
import * as QQError from "@qq-mini/core/QQError"
import * as QQMini from "@qq-mini/core/QQMini"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { Network } from "../../simulation/network.ts"
import type { Draw } from "../../simulation/random.ts"
import { here, type Timeline } from "../../simulation/scheduler.ts"
import type { Laws } from "./laws.ts"
import type { Plan, RecipientAnswer, Trouble } from "./plan.ts"

const help = { en: "It is wrong.", zh: "有误。" }
const answered = (code: number) => ({ code, text: "" })

const troubles: Readonly<Record<Trouble, () => QQError.Reason>> = {
  SystemBusy: () => new QQError.SystemBusy(answered(-1)),
  TooFrequent: () => new QQError.TooFrequent(answered(45009)),
  QuotaReached: () => new QQError.QuotaReached({ wait: 5_000 }),
  TokenContested: () => new QQError.TimedOut({ during: "token", limit: 1 }),
  WrongSecret: () => new QQError.WrongSecret(answered(40001)),
  NoTemplate: () => new QQError.InvalidInput({ field: "template_id", problem: help, ...answered(40037) })
}

const refusals: Readonly<Record<Exclude<RecipientAnswer, "sent">, () => QQError.Reason>> = {
  later: () => new QQError.TooFrequent(answered(41030)),
  NotSubscribed: () => new QQError.NotSubscribed(answered(43101)),
  QuotaReached: () => new QQError.QuotaReached(answered(46002)),
  InvalidInput: () => new QQError.InvalidInput({ field: "data", problem: help, ...answered(47003) })
}

const failed = (reason: QQError.Reason) => new QQError.QQError({ endpoint: send.name, app: undefined, reason })

/** How many messages to a recipient follow each other too fast. */
const tooFastTimes = 2

export class QQ {
  readonly #plan: Plan
  readonly #timeline: Timeline
  readonly #network: Network
  readonly #draw: Draw
  readonly #laws: Laws
  readonly #answers: ReadonlyMap<string, RecipientAnswer>
  readonly #tooFast = new Map<string, number>()

  constructor(options: {
    readonly plan: Plan
    readonly timeline: Timeline
    readonly network: Network
    readonly draw: Draw
    readonly laws: Laws
  }) {
    this.#plan = options.plan
    this.#timeline = options.timeline
    this.#network = options.network
    this.#draw = options.draw
    this.#laws = options.laws
    // the first row of a recipient counts
    this.#answers = new Map(options.plan.rows.map(({ answer, openid }) => [openid, answer] as const).toReversed())
  }

  #trouble(): QQError.Reason | undefined {
    const { now } = this.#timeline
    for (const fault of this.#plan.faults) {
      if (fault.kind !== "trouble" || now < fault.at || now >= fault.at + fault.during) continue
      if (this.#draw() < fault.share) return troubles[fault.answer]()
    }
    return undefined
  }

  #receive(recipient: string): QQError.Reason | undefined {
    const trouble = this.#trouble()
    if (trouble !== undefined) return trouble
    const answer = this.#answers.get(recipient)!
    const times = this.#tooFast.get(recipient) ?? 0
    if (answer === "sent" || (answer === "later" && times >= tooFastTimes)) {
      this.#laws.arrived(recipient)
      return undefined
    }
    // A message that has to wait gives its place in the limit back.
    if (answer === "later") this.#tooFast.set(recipient, times + 1)
    else this.#laws.refused()
    return refusals[answer]()
  }

  /** The client of one process. */
  clientFor(holder: string, process: string): QQMini.QQMini["Service"] {
    return QQMini.QQMini.of({
      call: (_, input, options) => {
        const { touser } = input as { readonly touser: string }
        const millis = Duration.toMillis(Duration.fromInputUnsafe(options!.deadline!))
        const asked = this.#network.ask({
          holder,
          server: "QQ",
          mayDouble: false,
          millis,
          perform: () => this.#receive(touser)
        })
        return Effect.flatMap(here, ({ clocks }) => {
          this.#laws.left({ recipient: touser, process, wall: this.#timeline.now + clocks.wall })
          return Effect.matchEffect(asked, {
            onFailure: (how) =>
              how === "unsent"
                ? Effect.fail(failed(new QQError.ConnectionFailed({ problem: "ECONNREFUSED" })))
                : Effect.fail(
                    failed(
                      new QQError.OutcomeUnknown({ because: new QQError.TimedOut({ during: "answer", limit: millis }) })
                    )
                  ),
            onSuccess: (reason) => (reason === undefined ? Effect.succeed({}) : Effect.fail(failed(reason)))
          })
        })
      },
      remaining: () => Effect.succeed(Infinity)
    })
  }
}
