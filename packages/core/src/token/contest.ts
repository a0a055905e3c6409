/**
 * T7: detects that tokens die early, that is before they expire, and decides how long to stop fetching. Pure functions.
 *
 * Each holder stores a history of the last tokens beside the token, so that all holders decide alike. If tokens
 * repeatedly die early, another deployment fetches tokens for the same appid. Then each of our fetches would only
 * invalidate theirs.
 */
import * as Result from "effect/Result"
import { TokenContested } from "../reason/client.ts"
import type { Slot } from "../TokenCache.ts"
import { renewalLead, type Wanted } from "./token.ts"

/** The history of a program's last tokens. */
export interface History {
  /** How many tokens in a row died early, without the current one. */
  readonly deaths: number
  /** How many of the latest of these died so soon that another deployment must have replaced them at once. */
  readonly short: number
  /**
   * When the last tokens were fetched, including the current one, in milliseconds of the store's clock; oldest first.
   */
  readonly fetched: ReadonlyArray<number>
}

/** A history, and how many milliseconds to wait before the next fetch. */
export interface Verdict {
  readonly history: History
  readonly wait: number
}

// The names are short, because a store keeps at most 1,000 characters of history.
const parse = (history: string): History | undefined =>
  Result.getOrUndefined(
    Result.try(() => {
      const { d: deaths, f: fetched, s: short } = JSON.parse(history)
      return [deaths, short, ...fetched].every(Number.isFinite) ? { deaths, short, fetched } : undefined
    })
  )

/** The history of a slot. A new one if there is none, or if it can't be read. */
export const read = ({ generation, history }: Slot): History =>
  // The generation of a token is the time when it was stored.
  parse(history) ?? { deaths: 0, short: 0, fetched: generation > 0 ? [generation] : [] }

const maxFetched = 6

/** The next history, as text for the store, after a token was fetched at `time` by the store's clock. */
export const next = ({ deaths, fetched, short }: History, time: number): string =>
  JSON.stringify({ d: deaths, s: short, f: [...fetched.slice(1 - maxFetched), Math.round(time)] })

/** When the current token was fetched, by the store's clock. */
export const fetchedAt = ({ fetched }: History): number => fetched[fetched.length - 1] ?? -Infinity

// A token that died sooner was replaced at once by another deployment. QQ accepts a token for 5 minutes after the next
// one was fetched. So a token that died because of another deployment's regular fetch lived longer. That costs a fetch,
// but no call fails.
const shortLifeMillis = 120_000
// After this many short-lived tokens in a row, fetching pauses.
const maxShort = 3
// During a pause one token is fetched this often, to see whether it lasts (ms).
const pauseMillis = 600_000
// During a pause, a token that lived at least this long ends the pause.
const longLifeMillis = 1_800_000

/** The history if the current token is replaced because it expires. */
export const afterExpiry = (history: History): History => ({ ...history, deaths: 0, short: 0 })

/** The verdict if the current token is replaced because it died early. `now` is the store's time. */
export const afterEarlyDeath = (history: History, now: number): Verdict => {
  const age = Math.max(0, now - fetchedAt(history))
  const isPaused = history.short >= maxShort
  const short = age < (isPaused ? longLifeMillis : shortLifeMillis) ? history.short + 1 : 0
  return {
    history: { ...history, deaths: history.deaths + 1, short },
    wait: isPaused ? Math.max(0, pauseMillis - age) : 0
  }
}

/** Whether the slot's token became invalid before it expired, which only a refusal by QQ can cause. */
const diedEarly = (slot: Slot, wanted: Wanted, history: History): boolean =>
  slot.generation > 0 &&
  (slot.token === undefined || (wanted._tag === "Instead" && wanted.refused)) &&
  slot.now - fetchedAt(history) < slot.lifetime - renewalLead(slot.lifetime)

/**
 * The verdict if the slot's token is to be replaced. If a caller asks for a fresh token, this is not an early death.
 */
export const judge = (slot: Slot, wanted: Wanted): Verdict => {
  const history = read(slot)
  if (wanted._tag === "Fresh") return { history, wait: 0 }
  return diedEarly(slot, wanted, history)
    ? afterEarlyDeath(history, slot.now)
    : { history: afterExpiry(history), wait: 0 }
}

// If another deployment fetches regularly, this is reported after the third early death, and then after every twelfth.
const firstReport = 3
const reportEvery = 12

/** Whether to report this number of early deaths, although no call fails. */
export const isReported = ({ deaths, short }: History): boolean =>
  deaths > 0 && short < maxShort && (deaths === firstReport || deaths % reportEvery === 0)

/** The error reason for a verdict. `ownFetches` counts this process's fetches while the store was unavailable. */
export const reasonOf = ({ history, wait }: Verdict, now: number, ownFetches: number): TokenContested =>
  new TokenContested({
    deaths: history.deaths,
    fetchedAgo: history.fetched.map((time) => Math.max(0, now - time)),
    ownFetches,
    wait
  })
