/**
 * T7: the deaths of a program's tokens, and how long to stop for them. Pure.
 *
 * Each holder writes down beside the token how the last ones fared, so that all judge alike. When tokens die early again and
 * again, somebody beside us fetches tokens for the same appid, and each fetch of ours would only end theirs.
 */
import * as Result from "effect/Result"
import { TokenContested } from "../reason/client.ts"
import type { Slot } from "../TokenCache.ts"
import { renewalLead, type Wanted } from "./token.ts"

/** How the last tokens of a program fared. */
export interface History {
  /** Tokens in a row that died early, the present one not counted. */
  readonly deaths: number
  /** Those of them, at the end of the row, that died so soon that somebody must be fighting for it. */
  readonly short: number
  /** When the last tokens were fetched, the present one included, by the store's clock; oldest first. */
  readonly fetched: ReadonlyArray<number>
}

/** A history, and for how many milliseconds no token may be fetched. */
export interface Verdict {
  readonly history: History
  readonly wait: number
}

// A store keeps 1,000 characters of history, so the names are short.
const parse = (history: string): History | undefined =>
  Result.getOrUndefined(
    Result.try(() => {
      const { d: deaths, f: fetched, s: short } = JSON.parse(history)
      return [deaths, short, ...fetched].every(Number.isFinite) ? { deaths, short, fetched } : undefined
    })
  )

/** The history of a slot; a new one where there is none, or none that can be read. */
export const read = ({ generation, history }: Slot): History =>
  // A token's generation is the time of its writing.
  parse(history) ?? { deaths: 0, short: 0, fetched: generation > 0 ? [generation] : [] }

const maxFetched = 6

/** The history, as text for the store, after one more token was fetched at this time of the store's clock. */
export const next = ({ deaths, fetched, short }: History, time: number): string =>
  JSON.stringify({ d: deaths, s: short, f: [...fetched.slice(1 - maxFetched), Math.round(time)] })

/** When the present token was fetched, by the store's clock. */
export const fetchedAt = ({ fetched }: History): number => fetched.at(-1) ?? -Infinity

// A token that lived shorter is a blow in a ping-pong. QQ honours a token for 5 minutes after another was fetched, so one
// that somebody else's regular fetch ended has lived longer: that costs a fetch now and then, and no call.
const shortLifeMillis = 120_000
// After so many of those in a row,
const maxShort = 3
// one token is fetched every so often, to see whether it lasts.
const pauseMillis = 600_000
// A token that lived this long ends the row.
const longLifeMillis = 1_800_000

/** The history when the present token is replaced after a life as long as it was meant to be. */
export const lived = (history: History): History => ({ ...history, deaths: 0, short: 0 })

/** The verdict when the present token is replaced after it died early. `now` is the store's time. */
export const died = (history: History, now: number): Verdict => {
  const age = Math.max(0, now - fetchedAt(history))
  const isFighting = history.short >= maxShort
  const short = age < (isFighting ? longLifeMillis : shortLifeMillis) ? history.short + 1 : 0
  return {
    history: { ...history, deaths: history.deaths + 1, short },
    wait: isFighting ? Math.max(0, pauseMillis - age) : 0
  }
}

/** Whether the slot's token ended although its time was not over, so that only QQ's refusal can have ended it. */
const diedEarly = (slot: Slot, wanted: Wanted, history: History): boolean =>
  slot.generation > 0 &&
  (slot.token === undefined || (wanted._tag === "Instead" && wanted.refused)) &&
  slot.now - fetchedAt(history) < slot.lifetime - renewalLead(slot.lifetime)

/** The verdict when the slot's token is to be replaced. A caller that asks for a fresh token says nothing about its life. */
export const judge = (slot: Slot, wanted: Wanted): Verdict => {
  const history = read(slot)
  if (wanted._tag === "Fresh") return { history, wait: 0 }
  return diedEarly(slot, wanted, history) ? died(history, slot.now) : { history: lived(history), wait: 0 }
}

// A regular fetch beside ours is reported first after so many deaths, and then now and then.
const firstReport = 3
const reportEvery = 12

/** Whether so many early deaths in a row are worth a report, though no call fails. */
export const isReported = ({ deaths, short }: History): boolean =>
  deaths > 0 && short < maxShort && (deaths === firstReport || deaths % reportEvery === 0)

/** The reason that says what was seen. `ownFetches` counts this process's fetches while the store was away. */
export const reasonOf = ({ history, wait }: Verdict, now: number, ownFetches: number): TokenContested =>
  new TokenContested({
    deaths: history.deaths,
    fetchedAgo: history.fetched.map((time) => Math.max(0, now - time)),
    ownFetches,
    wait
  })
