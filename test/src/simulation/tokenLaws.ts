/** T1, T2, T3, T5, T6 and T7, as they show at the store and at QQ. */
import type { Facts, Grant } from "./facts.ts"
import type { HolderPlan, Plan } from "./plan.ts"
import type { Operation } from "./store.ts"

export type Fail = (law: string, text: string) => void

// A freeze up to this leaves the lease in force: it is extended every 2 s and lasts 6 s (ms).
export const bearableFreezeMillis = 3_500
const aloneWindowMillis = 600_000
/** Fetches of a process without the store, in 10 minutes. */
export const maxAlone = 3
// How much earlier a renewal may seem due to a holder whose answers travelled (ms).
const dueSlackMillis = 5_000
// A token that died sooner is a blow in a ping-pong (ms).
const shortLifeMillis = 120_000
// Replaced at once, and the probe after them; and the first of all.
const maxContested = 5
const afterLongLife = 4
// What a holder asks of the store and of QQ in one second, at the most, for each of its calls.
const asksEach = 40

// The longest way of a message that nothing holds up (ms).
const wayMillis = 70
// The longest freeze and the time of a call (ms).
const freezeMemoryMillis = 45_000

// How long before its end a token is renewed: QQ honours the old one for 5 minutes (ms).
const renewalLead = (lifetime: number): number => Math.min(300_000, lifetime / 10)

interface Own {
  readonly holder: string
  readonly at: number
}

export class TokenLaws {
  readonly #plan: Plan
  readonly #facts: Facts
  readonly #fail: Fail
  readonly #highest = new Map<string, number>()
  readonly #stored = new Map<string, Grant>()
  /** How exactly holders can compare when tokens were fetched: by the ways to the store and back (ms). */
  readonly #precision: number
  #refreshes = 0
  readonly #refreshedAt: Array<number> = []
  /** When each holder's last lease was given. */
  readonly leasedAt = new Map<string, number>()
  #own: Array<Own> = []
  readonly #secrets = new Map<string, number>()
  readonly #asks = new Map<string, { second: number; count: number }>()

  constructor(plan: Plan, facts: Facts, fail: Fail) {
    this.#plan = plan
    this.#facts = facts
    this.#fail = fail
    const isLate = plan.faults.some((fault) => fault.kind === "weather" && fault.server === "store")
    this.#precision = isLate ? 2_200 : 250
  }

  /** A caller wants a token that is fetched for it. */
  refreshWanted(now: number): void {
    this.#refreshes++
    this.#refreshedAt.push(now)
  }

  /** A holder began anew, with nothing in memory. */
  began(holder: string): void {
    this.#own = this.#own.filter((own) => own.holder !== holder)
    this.#secrets.delete(holder)
  }

  flushed(): void {
    this.#stored.clear()
  }

  /** One message of a holder to the store or to QQ. Nothing loops. */
  asked(holder: string, now: number, calls: number): void {
    const second = Math.floor(now / 1_000)
    let asks = this.#asks.get(holder)
    if (asks?.second !== second) this.#asks.set(holder, (asks = { second, count: 0 }))
    asks.count++
    const most = asksEach * (2 + calls)
    if (asks.count > most) this.#fail("T6", `holder ${holder} asks more than ${most} times in a second`)
  }

  /** T2 and T3, at each operation of the store. */
  operation({ after, before, holder, key, name }: Operation, now: number): void {
    if (name === "lease" && after.leased > before.leased) this.leasedAt.set(holder, now)
    if (after.generation < before.generation) this.#fail("T2", `the generation goes down in ${name}`)
    if (after.token === before.token) return
    if (after.token === "") {
      const grant = this.#facts.grantOf(before.token)
      if (name !== "remove" || !grant?.refusedTo.has(holder)) {
        this.#fail("T3", `holder ${holder} removes ${grant?.name ?? "a token"}, which QQ did not refuse it`)
      }
      return
    }
    if (after.generation <= (this.#highest.get(key) ?? 0)) {
      this.#fail("T2", "a token is written without a larger generation")
    }
    this.#highest.set(key, after.generation)
    const grant = this.#facts.grantOf(after.token)
    if (grant === undefined) return this.#fail("T2", "a token is written that QQ did not give")
    const newest = this.#stored.get(key)
    if (newest !== undefined && grant.at < newest.at && grant.left + this.#precision < newest.left) {
      return this.#fail("T2", `${grant.name} of holder ${holder} replaces the newer ${newest.name}`)
    }
    grant.isStored = true
    this.#stored.set(key, grant)
  }

  /** T1 and T7, at each token that QQ gives to a holder; called before it counts. */
  granted(grant: Grant): void {
    const excuse = this.#excuseOf(grant)
    if (excuse === undefined) {
      this.#fail("T1", `holder ${grant.holder} fetches ${grant.name} while ${this.#facts.last()!.name} would do`)
    }
    this.#contested(grant)
  }

  /** Why one more fetch is allowed. */
  #excuseOf({ at, holder, isGivenUp, isLeased, left }: Grant): string | undefined {
    const facts = this.#facts
    const last = facts.last()
    if (last === undefined) return "the first"
    if (isGivenUp && left < last.at) return "late"
    if (last.refusedAt !== undefined) return "refused"
    const lifetime = this.#plan.lifetime * 1_000
    if (left >= last.left + lifetime - renewalLead(lifetime) - dueSlackMillis) return "due"
    if (facts.troubles("store", last.left - 60_000, at) > 0) return "store"
    if (!last.isStored) {
      if (last.isGivenUp) return "given up"
      for (const kind of ["freeze", "crash", "abandon"] as const) {
        if (facts.troubles(kind, last.left, at, last.holder) > 0) return kind
      }
    }
    // gone while its request travelled longer than the lease, or frozen while the store's yes was on its way
    if (facts.troubles("freeze", left + 1, at, holder) + facts.troubles("crash", left + 1, at, holder) > 0)
      return "gone"
    const leasedAt = this.leasedAt.get(holder) ?? 0
    if (!isLeased && facts.troubles("freeze", leasedAt, leasedAt + wayMillis, holder) > 0) return "freeze"
    // a caller that wants a new one takes none that others stored while it was frozen
    const isRefreshed = this.#refreshedAt.some((time) => time > at - freezeMemoryMillis)
    if (isRefreshed && facts.troubles("freeze", at - freezeMemoryMillis, at, holder) > 0) return "frozen refresh"
    if (this.#refreshes > 0) {
      this.#refreshes--
      return "refresh"
    }
    return undefined
  }

  #contested({ at, name }: Grant): void {
    const from = at - aloneWindowMillis
    const facts = this.#facts
    if (facts.troubles("store", from, at) > 0) return
    let allowed = maxContested + this.#refreshedAt.filter((time) => time > from - 60_000).length
    let count = 1
    // as holders see it, a token lives until the next one is fetched
    let end = at
    for (const grant of facts.grants.toReversed()) {
      if (grant.holder === "thief") continue
      if (grant.at <= from) break
      count++
      if (!grant.isStored) allowed++
      // a long life ends the row
      else if (end - grant.at >= Math.min(shortLifeMillis, this.#plan.lifetime * 800)) allowed += afterLongLife
      end = grant.at
    }
    if (count > allowed) this.#fail("T7", `${name} is the ${count}th in 10 minutes, and ${allowed} are allowed`)
  }

  /** T6, at each token that came to its holder. */
  heard({ at, holder, isLeased, left }: Grant): void {
    if (isLeased) return
    const from = at - aloneWindowMillis
    this.#own = this.#own.filter((own) => own.at > from)
    this.#own.push({ holder, at })
    const count = this.#own.filter((own) => own.holder === holder).length
    const frozen = this.#facts.troubles("freeze", from, left, holder)
    if (count > maxAlone + frozen) this.#fail("T6", `holder ${holder} fetches ${count} tokens in 10 minutes by itself`)
  }

  /** How many tokens a holder fetched without the store in the last 10 minutes. */
  ownFetches(holder: string, now: number): number {
    return this.#own.filter((own) => own.holder === holder && own.at > now - aloneWindowMillis).length
  }

  /** T5, at each refusal of a secret. */
  secretRefused({ name, secret }: HolderPlan, now: number): void {
    if (secret === "right") return this.#fail("T5", `holder ${name} sends a wrong secret`)
    const before = this.#secrets.get(name)
    this.#secrets.set(name, now)
    const isForgotten =
      before !== undefined &&
      (["store", "QQ", "crash", "freeze", "abandon"] as const).some(
        (kind) => this.#facts.troubles(kind, before - 6_000, now, name) > 0
      )
    if (before !== undefined && now - before < 55_000 && !isForgotten) {
      this.#fail("T5", `holder ${name} asks again ${now - before} ms after its secret was refused`)
    }
  }
}
