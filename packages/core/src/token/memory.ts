/** What this process holds of one program: its token, when to renew it, and why QQ gave none. */
import type { Reason } from "../reason/client.ts"
import type { Slot } from "../TokenCache.ts"
import { isWanted, margin, renewalLead, stored, type Token, type Wanted } from "./token.ts"

/** The token in use. Times are the process's monotonic milliseconds. */
export interface Current {
  readonly token: Token
  /** T8: from here on one holder renews while all others go on. */
  readonly renewAt: number
  /** From here on it is not used any more. */
  readonly endsAt: number
}

// After a renewal ahead of the end failed, the next one waits this long.
const renewalPauseMillis = 30_000
const finalMillis = 60_000
const refusalMillis = 5_000

/** T5: for how many milliseconds a reason is given again without asking QQ. 0 for what may be over at once. */
const rememberedMillis = (reason: Reason): number => {
  switch (reason._tag) {
    // Only people can change these.
    case "WrongSecret":
    case "InvalidAppId":
    // Only time changes these.
    case "QuotaReached":
    case "TooFrequent":
      return finalMillis
    case "TokenContested":
      // Another holder of the store may have fetched by then.
      return Math.min(refusalMillis, reason.wait)
    case "Rejected":
      return reason.code === 40002 ? finalMillis : refusalMillis
    case "SystemBusy":
      return 0
    default:
      return "code" in reason && reason.code !== undefined ? refusalMillis : 0
  }
}

/** The memory of one program. */
export class Memory {
  current: Current | undefined
  #renewalPausedUntil = 0
  #refused: { readonly reason: Reason; readonly until: number } | undefined

  /** The token in use, unless its time is over. */
  usable(now: number): Token | undefined {
    const { current } = this
    return current !== undefined && now < current.endsAt ? current.token : undefined
  }

  /** The token in use, if it will do. */
  presentFor(wanted: Wanted, now: number): Token | undefined {
    const token = this.usable(now)
    return token !== undefined && isWanted(token.value, wanted) ? token : undefined
  }

  /** T8: whether this is the time to renew ahead of the end. */
  isRenewalDue(now: number): boolean {
    return this.current !== undefined && now >= this.current.renewAt && now >= this.#renewalPausedUntil
  }

  /** Keeps further calls from a renewal for this many milliseconds. */
  pauseRenewal(now: number, millis: number): void {
    this.#renewalPausedUntil = now + millis
  }

  /** Takes a token into use. `now` is a time at which `expiresIn` was true, or before. */
  adopt(token: Token, lifetime: number, expiresIn: number, now: number): Token {
    this.current = {
      token,
      renewAt: now + expiresIn - renewalLead(lifetime),
      endsAt: now + expiresIn - margin(lifetime)
    }
    this.#refused = undefined
    this.#renewalPausedUntil = 0
    return token
  }

  /** Takes the token of a slot into use. `now` is before the slot was read. */
  find(value: Token["value"], { expiresIn, generation, lifetime }: Slot, now: number): Token {
    return this.adopt(stored(value, generation), lifetime, expiresIn, now)
  }

  /** Remembers why QQ gave no token. Gives for how many milliseconds. */
  refuse(reason: Reason, now: number): number {
    const millis = rememberedMillis(reason)
    this.#refused = { reason, until: now + millis }
    return millis
  }

  /** T5: why QQ gave no token, while it is not asked again. */
  refusal(now: number): Reason | undefined {
    return this.#refused !== undefined && now < this.#refused.until ? this.#refused.reason : undefined
  }

  /** The last reason, also when its time is over. */
  get lastRefusal(): Reason | undefined {
    return this.#refused?.reason
  }

  /** A fetch failed: further renewals wait, and its reason is remembered. */
  failed(reason: Reason | undefined, now: number): void {
    const millis = reason === undefined ? 0 : this.refuse(reason, now)
    this.pauseRenewal(now, Math.max(renewalPauseMillis, millis))
  }
}
