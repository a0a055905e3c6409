/** What truly happened in a run, for the laws to judge by. The services under test never see it. */
import type { CallPlan, Server } from "./plan.ts"

/** A time in which something was not as it should be. */
interface Trouble {
  readonly holder: string | undefined
  readonly kind: Server | "freeze" | "stutter" | "crash" | "abandon"
  readonly from: number
  to: number
}

/** A token that QQ gave. */
export interface Grant {
  readonly name: string
  readonly value: string | undefined
  /** Who asked: a holder, or the thief. */
  readonly holder: string
  /** When its request left and when QQ answered it. */
  readonly left: number
  readonly at: number
  /** Whether whoever asked held the lease when the request left. */
  readonly isLeased: boolean
  /** Whether the answer came to whoever asked. */
  isHeard: boolean
  /** Whether whoever asked waits for it no more. */
  isGivenUp: boolean
  /** Whether it was in the store at some time. */
  isStored: boolean
  /** When QQ first refused it, to whom. */
  refusedAt: number | undefined
  readonly refusedTo: Set<string>
}

/** One call, and what came of it. */
export interface Call {
  readonly plan: CallPlan
  readonly began: number
  ended: number | undefined
  /** How it ended: `success`, `stopped`, `died`, or the reason of its failure. */
  outcome: string | undefined
  /** How often QQ did what it asks for, and how often its requests came. */
  done: number
  arrived: number
  /** The tokens that QQ refused it. */
  readonly refused: Set<string>
  /** When it heard of each of these refusals. */
  readonly heard: Map<string, number>
  /** The last token that QQ took for it. */
  used: Grant | undefined
}

export class Facts {
  readonly grants: Array<Grant> = []
  readonly calls = new Map<string, Call>()
  readonly #troubles: Array<Trouble> = []

  trouble(kind: Trouble["kind"], holder: string | undefined, from: number, to: number): void {
    this.#troubles.push({ kind, holder, from, to })
  }

  /** How many troubles of a kind there were in a time, of one holder or of all. */
  troubles(kind: Trouble["kind"], from: number, to: number, holder?: string): number {
    let count = 0
    for (const trouble of this.#troubles) {
      if (trouble.kind !== kind || trouble.from > to || trouble.to < from) continue
      if (holder === undefined || trouble.holder === undefined || trouble.holder === holder) count++
    }
    return count
  }

  /** The newest token that a holder fetched. */
  last(): Grant | undefined {
    return this.grants.findLast(({ holder }) => holder !== "thief")
  }

  /** How many calls of a holder are under way. */
  underWay(holder: string): number {
    let count = 0
    for (const { ended, plan } of this.calls.values()) if (plan.holder === holder && ended === undefined) count++
    return count
  }

  nameOf(token: string): string {
    return this.grantOf(token)?.name ?? "an unknown token"
  }

  grantOf(value: string): Grant | undefined {
    return this.grants.find((grant) => grant.value === value)
  }
}
