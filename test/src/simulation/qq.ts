/** QQ as holders reach it: their requests on their way, what QQ came to, and the tokens that it gave. */
import * as Auth from "@qq-mini/core/Auth"
import { timedOut } from "@qq-mini/core/adapter/exchange"
import * as Transport from "@qq-mini/core/Transport"
import * as Effect from "effect/Effect"
import type { CallLaws } from "./callLaws.ts"
import type { Facts, Grant } from "./facts.ts"
import type { Network } from "./network.ts"
import type { HolderPlan } from "./plan.ts"
import type { Platform } from "./platform.ts"
import { here, type Timeline } from "./scheduler.ts"
import type { TokenLaws } from "./tokenLaws.ts"

/** A request as it left. */
type Sent = Pick<Grant, "holder" | "left" | "isLeased" | "isGivenUp">

const failed = (phase: "unsent" | "lost", problem: string) =>
  Effect.fail(new Transport.TransportError({ phase, problem }))

export class QQ {
  readonly #timeline: Timeline
  readonly #network: Network
  readonly #platform: Platform
  readonly #facts: Facts
  readonly #tokens: TokenLaws
  readonly #calls: CallLaws
  readonly #plans: ReadonlyMap<string, HolderPlan>
  readonly #isLeased: (holder: string) => boolean
  readonly #note: (text: string) => void
  #names = 0

  constructor(options: {
    readonly timeline: Timeline
    readonly network: Network
    readonly platform: Platform
    readonly facts: Facts
    readonly tokens: TokenLaws
    readonly calls: CallLaws
    readonly holders: ReadonlyArray<HolderPlan>
    /** Whether a holder has the lease. */
    readonly isLeased: (holder: string) => boolean
    readonly note: (text: string) => void
  }) {
    this.#timeline = options.timeline
    this.#network = options.network
    this.#platform = options.platform
    this.#facts = options.facts
    this.#tokens = options.tokens
    this.#calls = options.calls
    this.#plans = new Map(options.holders.map((holder) => [holder.name, holder]))
    this.#isLeased = options.isLeased
    this.#note = options.note
  }

  /** Another deployment fetches a token. */
  steal(): void {
    const token = this.#platform.run((sandbox) => sandbox.stealToken())
    const grant = this.#grant(token, { holder: "thief", left: this.#timeline.now, isLeased: false, isGivenUp: false })
    this.#facts.grants.push(grant)
    this.#note(`QQ gives ${grant.name} to the other deployment`)
  }

  /** The way of one holder to QQ. */
  transportFor(holder: string): Transport.Transport["Service"] {
    return {
      send: (request) =>
        Effect.flatMap(here, (from) =>
          Effect.callback((resume) => {
            const left = this.#timeline.now
            const isLeased = this.#isLeased(holder)
            let isOver = false
            let grant: Grant | undefined
            let heard: (() => void) | undefined
            let times = 0
            const giveUp = () => {
              isOver = true
              if (grant !== undefined) grant.isGivenUp = true
            }
            const end = (exit: Effect.Effect<Transport.Response, Transport.TransportError>) => {
              giveUp()
              cancel()
              resume(exit)
            }
            const cancel = from.after(request.timeout, () => end(Effect.fail(timedOut("lost"))))
            this.#network.exchange<Transport.Response>({
              from,
              holder,
              server: "QQ",
              mayDouble: !request.atMostOnce && !request.path.includes("getToken"),
              perform: () => {
                const asked = this.#arrive(request, {
                  holder,
                  left,
                  isLeased,
                  isGivenUp: isOver,
                  isDoubled: times++ > 0
                })
                grant = asked.grant
                heard = asked.heard
                return asked.response ?? "broken"
              },
              done: (arrived) => {
                if (isOver) return
                if (arrived === "unsent") return end(failed("unsent", "ECONNREFUSED"))
                if (arrived === "broken") return end(failed("lost", "ECONNRESET"))
                heard?.()
                if (grant?.value !== undefined) {
                  grant.isHeard = true
                  this.#tokens.heard(grant)
                }
                end(Effect.succeed(arrived.answer))
                if (grant?.isHeard === true) grant.isGivenUp = false
              }
            })
            return Effect.sync(() => {
              giveUp()
              cancel()
            })
          })
        )
    }
  }

  #arrive(
    request: Transport.Request,
    sent: Sent & { readonly isDoubled: boolean }
  ): {
    readonly response: Transport.Response | undefined
    readonly grant: Grant | undefined
    readonly heard?: (() => void) | undefined
  } {
    const { now } = this.#timeline
    const { holder, isDoubled, left } = sent
    const asked = this.#platform.receive(request)
    const { code, isDisturbed, response, token } = asked
    if (isDisturbed) this.#facts.trouble("QQ", holder, left, now)
    if (asked.endpoint === Auth.getAccessToken.name) {
      const grant = code === 0 ? this.#grant(token, sent) : undefined
      if (grant !== undefined) this.#tokens.granted(grant)
      if (grant !== undefined) this.#facts.grants.push(grant)
      if (code !== 0 && !isDisturbed) this.#tokens.secretRefused(this.#plans.get(holder)!, now)
      this.#note(
        `QQ ${grant === undefined ? `answers ${code} to the getToken of` : `gives ${grant.name} to`} holder ${holder}`
      )
      return { response, grant }
    }
    const call = this.#facts.calls.get(asked.text)!
    const isRefused = code === 40001 || code === 40014
    const used = this.#facts.grantOf(token!)
    if (isRefused) {
      call.refused.add(token!)
      if (used !== undefined && used.refusedAt === undefined) {
        used.refusedAt = now
        this.#calls.died(now)
      }
      used?.refusedTo.add(holder)
    } else if (used !== undefined) call.used = used
    this.#note(
      `call ${asked.text} comes to QQ with ${this.#facts.nameOf(token!)}${code === 0 ? "" : `, and is answered ${code}`}${isDoubled ? ", once more" : ""}`
    )
    this.#calls.arrived(call, { code, isDoubled, left, now, token: token! })
    const heard = isRefused && !isDisturbed ? () => call.heard.set(token!, this.#timeline.now) : undefined
    return { response, grant: undefined, heard }
  }

  #grant(value: string | undefined, { holder, isGivenUp, isLeased, left }: Sent): Grant {
    return {
      name: `token ${++this.#names}`,
      value,
      holder,
      left,
      at: this.#timeline.now,
      isLeased,
      isHeard: false,
      isGivenUp,
      isStored: false,
      refusedAt: undefined,
      refusedTo: new Set()
    }
  }
}
