/** The memory of one program in this process: its token, when to renew it, and the last refusal by QQ. */
import type { Reason } from "../reason/client.ts"
import type { Slot } from "../TokenCache.ts"
import { isWanted, margin, renewalLead, stored, type Token, type Wanted } from "./token.ts"

/** The token in use. Times are monotonic milliseconds of the process. */
export interface Current {
  readonly token: Token
  /** T8: from this time on, one holder renews the token while all others keep using it. */
  readonly renewAt: number
  /** From this time on, the token is not used any more. */
  readonly endsAt: number
}

// The shortest pause after a failed renewal.
const renewalPauseMillis = 30_000
// How long a final refusal is remembered, and any other refusal by QQ.
const finalMillis = 60_000
const refusalMillis = 5_000

/**
 * T5: for how many milliseconds fetches fail with the same reason without asking QQ again. 0 for temporary failures.
 */
const rememberedMillis = (reason: Reason): number => {
  switch (reason._tag) {
    // These need a change of the settings.
    case "WrongSecret":
    case "InvalidAppId":
    // These need time.
    case "QuotaReached":
    case "TooFrequent":
      return finalMillis
    case "TokenContested":
      // Read the store again soon, because another holder may have fetched a token.
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
  /** Whether QQ refused a forced fetch, so that the store may still have a valid token for other calls. */
  forcedFetchRefused = false
  #renewalPausedUntil = 0
  #refused: { readonly reason: Reason; readonly until: number } | undefined

  /** The token in use, unless it has expired. */
  usable(now: number): Token | undefined {
    const { current } = this
    return current !== undefined && now < current.endsAt ? current.token : undefined
  }

  /** The token in use, if it satisfies `wanted`. */
  presentFor(wanted: Wanted, now: number): Token | undefined {
    const token = this.usable(now)
    return token !== undefined && isWanted(token.value, wanted) ? token : undefined
  }

  /** T8: whether the token should be renewed now, before it expires. */
  isRenewalDue(now: number): boolean {
    return this.current !== undefined && now >= this.current.renewAt && now >= this.#renewalPausedUntil
  }

  /** Prevents renewals for this many milliseconds. */
  pauseRenewal(now: number, millis: number): void {
    this.#renewalPausedUntil = now + millis
  }

  /** Starts using a token. `now` is the time at which `expiresIn` was valid, or earlier. */
  adopt(token: Token, lifetime: number, expiresIn: number, now: number): Token {
    this.current = {
      token,
      renewAt: now + expiresIn - renewalLead(lifetime),
      endsAt: now + expiresIn - margin(lifetime)
    }
    // A stored token says nothing about what QQ answers to the next forced fetch.
    if (!this.forcedFetchRefused) this.#refused = undefined
    this.#renewalPausedUntil = 0
    return token
  }

  /** Starts using the token of a slot. `now` is a time before the slot was read. */
  adoptSlot(value: Token["value"], { expiresIn, generation, lifetime }: Slot, now: number): Token {
    return this.adopt(stored(value, generation), lifetime, expiresIn, now)
  }

  /** Remembers why a fetch failed. Returns for how many milliseconds. */
  rememberRefusal(reason: Reason, now: number): number {
    const millis = rememberedMillis(reason)
    this.#refused = { reason, until: now + millis }
    return millis
  }

  /** T5: the remembered refusal, while QQ must not be asked again. */
  refusal(now: number): Reason | undefined {
    return this.#refused !== undefined && now < this.#refused.until ? this.#refused.reason : undefined
  }

  /** The last refusal, even if it is no longer remembered. */
  get lastRefusal(): Reason | undefined {
    return this.#refused?.reason
  }

  /** Records a failed fetch: remembers its reason, and pauses renewals for at least 30 seconds. */
  recordFailure(reason: Reason | undefined, now: number): void {
    const millis = reason === undefined ? 0 : this.rememberRefusal(reason, now)
    this.pauseRenewal(now, Math.max(renewalPauseMillis, millis))
  }
}
