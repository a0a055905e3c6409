/** Everything that there is in a run: the holders, the store, QQ, and the laws that look on. */
import * as AccessToken from "@qq-mini/core/AccessToken"
import * as App from "@qq-mini/core/App"
import * as QQMini from "@qq-mini/core/QQMini"
import { CallLaws } from "./callLaws.ts"
import { type Call, Facts } from "./facts.ts"
import { Holder } from "./holder.ts"
import { Network } from "./network.ts"
import type { CallPlan, Plan } from "./plan.ts"
import { app, Platform } from "./platform.ts"
import { QQ } from "./qq.ts"
import { draws, seedOf } from "./random.ts"
import { Process, Timeline } from "./scheduler.ts"
import { type Operation, Store } from "./store.ts"
import type { Line } from "./story.ts"
import { TokenLaws } from "./tokenLaws.ts"

/** A law that was broken. */
export interface Violation {
  readonly law: string
  readonly text: string
  readonly at: number
}

// When the run begins, by clocks that show a date, and by others (ms). Nanoseconds of the latter are exact numbers.
const dateMillis = 1_800_000_000_000
const epochMillis = 2_000_000_000

// The slot of the right secret.
const key = AccessToken.keyOf(
  { appid: app.appid, appsecret: App.redact(app.appsecret) },
  QQMini.Settings.defaultValue().baseUrl
)

export class World {
  readonly plan: Plan
  readonly timeline: Timeline
  readonly facts = new Facts()
  readonly lines: Array<Line> = []
  readonly tokens: TokenLaws
  readonly calls: CallLaws
  readonly platform: Platform
  readonly store: Store
  readonly qq: QQ
  readonly holders = new Map<string, Holder>()
  /** The first law that was broken. */
  violation: Violation | undefined
  /** Who asked for the lease by the names of its owners. */
  readonly #owners = new Map<string, string>()

  constructor(plan: Plan) {
    const { facts, holders } = this
    const draw = (part: number) => draws(seedOf(plan.seed, part))
    const timeline = new Timeline(draw(1), plan.inOrder)
    const fail = this.fail.bind(this)
    const tokens = new TokenLaws(plan, facts, fail)
    const calls = new CallLaws(plan, facts, tokens, fail)
    const platform = new Platform(new Process(timeline, "QQ", draw(2), { wall: dateMillis, monotonic: 0 }), {
      tokenLifetime: plan.lifetime,
      oldTokenGrace: plan.grace
    })
    const network = new Network({
      timeline,
      faults: plan.faults,
      facts,
      draw: draw(3),
      onAsk: (holder) => tokens.asked(holder, timeline.now, holders.get(holder)?.active ?? 0)
    })
    const store = new Store({
      timeline,
      network,
      draw: draw(4),
      process: new Process(timeline, "store", draw(5), { wall: 0, monotonic: epochMillis + plan.storeClock }),
      watches: plan.storeWatches,
      onOperation: (operation) => this.#operated(operation),
      onUncounted: () => calls.uncounted(timeline.now)
    })
    const qq = new QQ({
      timeline,
      network,
      platform,
      facts,
      tokens,
      calls,
      holders: plan.holders,
      isLeased: (holder) => this.#isLeased(holder),
      note: (text) => this.note(text)
    })
    for (const [i, holder] of plan.holders.entries()) {
      const { name } = holder
      const options = {
        plan: holder,
        clocks: { wall: dateMillis + holder.wall, monotonic: epochMillis + holder.monotonic },
        timeline,
        draw: draw(10 + i),
        cache: store.cacheFor(name),
        quota: store.quotaFor(name),
        transport: qq.transportFor(name),
        onEvent: (event: AccessToken.TokenEvent) => this.#heard(name, event)
      }
      holders.set(name, new Holder(options))
    }
    this.plan = plan
    this.timeline = timeline
    this.tokens = tokens
    this.calls = calls
    this.platform = platform
    this.store = store
    this.qq = qq
  }

  note(text: string): void {
    this.lines.push({ at: this.timeline.now, text })
  }

  fail(law: string, text: string): void {
    this.violation ??= { law, text, at: this.timeline.now }
  }

  #operated(operation: Operation): void {
    const { after, before, holder, name } = operation
    this.tokens.operation(operation, this.timeline.now)
    if (name === "lease" && after !== before) {
      if (!this.#owners.has(after.owner)) this.note(`holder ${holder} takes the lease`)
      this.#owners.set(after.owner, holder)
    }
    if (after.token === before.token) return
    const token = this.facts.nameOf(after.token || before.token)
    this.note(`${token} is ${after.token === "" ? "removed from" : "written to"} the store by holder ${holder}`)
  }

  #isLeased(holder: string): boolean {
    const { leased, owner } = this.store.slot(key)
    return leased > this.store.now && this.#owners.get(owner) === holder
  }

  #heard(holder: string, { _tag }: AccessToken.TokenEvent): void {
    if (_tag === "Contested" || _tag === "StoreLost" || _tag === "StoreBack") {
      this.note(`holder ${holder} hears ${_tag}`)
    }
  }

  /** Begins a call, if its holder is there; `freshRound` numbers the calls after all faults. */
  begin(plan: CallPlan, freshRound?: number): void {
    const holder = this.holders.get(plan.holder)!
    if (!holder.isUp) return this.note(`call ${plan.id} meets nobody, since holder ${plan.holder} is down`)
    let call: Call | undefined
    const begin = () => {
      const { now } = this.timeline
      call = {
        plan,
        began: now,
        ended: undefined,
        outcome: undefined,
        done: 0,
        arrived: 0,
        refused: new Set(),
        heard: new Map(),
        used: undefined
      }
      this.facts.calls.set(plan.id, call)
      if (plan.kind === "refresh" || plan.kind === "ahead") this.tokens.refreshWanted(now)
      this.note(`call ${plan.id} (${plan.kind}) begins at holder ${plan.holder}`)
    }
    const end = (outcome: string) => {
      if (call === undefined) return
      const { now } = this.timeline
      call.ended = now
      call.outcome = outcome
      this.note(`call ${plan.id} ends with ${outcome}`)
      if (holder.plan.runs !== "process" && (outcome !== "success" || now - call.began >= 2_000)) {
        this.facts.trouble("abandon", plan.holder, now, now)
      }
      this.calls.ended(call, holder.plan, now)
      if (freshRound !== undefined) this.calls.freshEnded(call, holder.plan, freshRound)
    }
    holder.begin(plan, { limit: this.plan.limit, openid: this.platform.openid }, { begin, end })
  }
}
