/** D1, D2, T4, T9 and Q1: what comes of calls, and that no failure is without its cause. */
import type { Call, Facts } from "./facts.ts"
import type { HolderPlan, Plan } from "./plan.ts"
import { quotaTimeoutMillis } from "./store.ts"
import { type Fail, maxAlone, type TokenLaws } from "./tokenLaws.ts"

// What is remembered of a failure that others share: a refusal of QQ's, for a minute (ms).
const memoryMillis = 65_000
// The lease, the longest pause between looks at the store, and the way (ms).
const blockedMillis = 6_000 + 2_000 + 3_000
const minuteMillis = 60_000
// The longest wait for an answer of the token store (ms).
const storeTimeoutMillis = 2_000
const deadlineMillis = 15_000

const needsQQ = new Set(["TimedOut(answer)", "ConnectionFailed", "UnreadableAnswer", "SystemBusy", "OutcomeUnknown"])

export class CallLaws {
  readonly #plan: Plan
  readonly #facts: Facts
  readonly #tokens: TokenLaws
  readonly #fail: Fail
  readonly #counted: Array<number> = []
  readonly #uncounted: Array<number> = []
  readonly #deaths: Array<number> = []

  constructor(plan: Plan, facts: Facts, tokens: TokenLaws, fail: Fail) {
    this.#plan = plan
    this.#facts = facts
    this.#tokens = tokens
    this.#fail = fail
  }

  /** The limiter let a call through without having counted it. */
  uncounted(now: number): void {
    this.#uncounted.push(now)
  }

  /** A token was refused for the first time. */
  died(now: number): void {
    this.#deaths.push(now)
  }

  /** D1, D2, T4 and Q1, when a call's request came to QQ. */
  arrived(
    call: Call,
    {
      code,
      isDoubled,
      left,
      now,
      token
    }: {
      readonly code: number | undefined
      readonly isDoubled: boolean
      readonly left: number
      readonly now: number
      readonly token: string
    }
  ): void {
    const { id, kind } = call.plan
    call.arrived++
    if (code === 0) call.done++
    if (kind === "send") {
      if (call.done > 1) this.#fail("D1", `QQ does send ${id} twice`)
      if (code === 0 && call.outcome !== undefined) this.#late(call, call.outcome)
    }
    if (left >= (call.heard.get(token) ?? Infinity)) {
      this.#fail("T4", `call ${id} is repeated with ${this.#facts.nameOf(token)}, which QQ refused it`)
    }
    if (kind !== "counted" || isDoubled) return
    const from = now - minuteMillis
    this.#counted.push(now)
    const count = this.#counted.filter((time) => time > from).length
    const allowed = this.#plan.limit + this.#uncounted.filter((time) => time > from - 30_000).length
    if (count > allowed) this.#fail("Q1", `${count} counted calls come in 60 s, and ${allowed} are allowed`)
  }

  #late({ plan: { id } }: Call, outcome: string): void {
    if (!["OutcomeUnknown", "stopped", "died", "success"].includes(outcome)) {
      this.#fail("D2", `send ${id} is done, but its caller was told ${outcome}`)
    }
  }

  /** When a call ended. */
  ended(call: Call, holder: HolderPlan, now: number): void {
    const { done, outcome, plan } = call
    if (plan.kind === "send") {
      if (outcome === "success" && done !== 1) this.#fail("D2", `send ${plan.id} succeeded, and was done ${done} times`)
      if (done === 1) this.#late(call, outcome!)
    }
    const frozen =
      this.#facts.troubles("freeze", call.began, now, holder.name) +
      this.#facts.troubles("stutter", call.began, now, holder.name)
    // the limiter is asked in any case, and whoever ends a fetch gives its lease back; either may not be answered
    const isStoreAway = this.#facts.troubles("store", call.began, now, holder.name) > 0
    const limiter = plan.kind === "counted" ? quotaTimeoutMillis : 0
    const release = holder.runs === "process" ? 0 : storeTimeoutMillis
    const most = deadlineMillis + 100 + (isStoreAway ? limiter + release : 0)
    if (now - call.began > most && frozen === 0 && plan.kind !== "ahead") {
      this.#fail("D3", `call ${plan.id} ends ${now - call.began} ms after it began`)
    }
    if (!this.#isExplained(call, holder, now)) {
      this.#fail(
        outcome === "TimedOut(token)" || outcome === "ClientClosed" ? "T9" : "cause",
        `call ${plan.id} of holder ${holder.name} ends with ${outcome} for no reason`
      )
    }
    this.#notBlocked(call, holder, now)
  }

  #disturbed(kinds: ReadonlyArray<"store" | "QQ">, holder: string, from: number, now: number): boolean {
    return (
      kinds.some((kind) => this.#facts.troubles(kind, from, now, holder) > 0) ||
      this.#facts.troubles("freeze", from, now, holder) > 0
    )
  }

  /** Whether something happened that makes such an end possible. */
  #isExplained(
    { began, outcome, plan, refused }: Call,
    { maxInFlight, name, secret }: HolderPlan,
    now: number
  ): boolean {
    const from = began - memoryMillis
    if (outcome === "success") return secret === "right"
    if (outcome === "stopped") return plan.stopAfter !== undefined
    if (outcome === "died") return true
    if (outcome === "WrongSecret") return secret === "wrong"
    if (outcome === "InvalidToken") return refused.size > 1
    if (outcome === "TokenContested") return this.#deaths.length > 2
    if (outcome === "StoreFailed") {
      if (this.#facts.troubles("store", from, now, name) === 0) return false
      // T6: the budget is spent, also by fetches under way and by those that got lost
      const lost = this.#facts.troubles("QQ", now - 600_000, now, name)
      const abandoned = this.#facts.troubles("abandon", now - 600_000, now, name)
      const spent = this.#tokens.ownFetches(name, now) + this.#facts.underWay(name) + lost + abandoned
      return plan.kind === "ahead" || spent >= maxAlone
    }
    if (outcome === "QuotaReached" || outcome === "TimedOut(queue)") {
      return plan.kind === "counted" || maxInFlight < 64 || this.#disturbed(["QQ"], name, from, now)
    }
    if (needsQQ.has(outcome!) && this.#disturbed(["QQ"], name, from, now)) return true
    // whoever had to wait for long, for a place or for a token, may have too little time left for QQ's answer
    if (outcome !== "TimedOut(token)" && (!needsQQ.has(outcome!) || now - began < deadlineMillis - 100)) return false
    if (plan.kind === "counted" && now - began >= deadlineMillis - 100) return true
    // whoever holds the lease may be held up by QQ
    return (
      this.#disturbed(["store"], name, from, now) ||
      this.#facts.troubles("QQ", from, now) > 0 ||
      this.#others(began, now) > 1
    )
  }

  /** How many holders may have left a lease behind. */
  #others(from: number, now: number): number {
    return (["crash", "freeze", "abandon"] as const).reduce(
      (sum, kind) => sum + this.#facts.troubles(kind, from - 8_000, now),
      0
    )
  }

  /** T9: one holder that is gone blocks the others no longer than its lease. */
  #notBlocked({ began, outcome, plan }: Call, { maxInFlight, name }: HolderPlan, now: number): void {
    if (plan.kind === "counted" || maxInFlight < 64 || outcome === "stopped" || outcome === "died") return
    const lasted = now - began
    if (lasted <= blockedMillis || this.#others(began, now) > 1) return
    if (this.#facts.troubles("store", began - memoryMillis, now) > 0) return
    if (this.#facts.troubles("QQ", began - memoryMillis, now) > 0) return
    if (this.#facts.troubles("stutter", began, now, name) + this.#facts.troubles("freeze", began, now, name) > 0) return
    this.#fail("T9", `call ${plan.id} of holder ${name} waits ${lasted} ms though nothing is in its way`)
  }

  /** At the end, when all is well again: a fresh call succeeds. */
  freshEnded(call: Call, { name, secret }: HolderPlan, round: number): void {
    const right = secret === "right" ? "success" : "WrongSecret"
    // the first one may find more dead tokens than a call tries
    const isLastDead = round === 1 && call.outcome === "InvalidToken" && call.refused.size > 1
    if (call.outcome !== right && !isLastDead)
      this.#fail("liveness", `a call of holder ${name} ends with ${call.outcome} though all is well again`)
  }
}
