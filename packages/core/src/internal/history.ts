import * as Result from "effect/Result"
import type { Slot } from "../TokenCache.ts"

/** What holders write down beside a token, so that each of them knows how the last ones fared. */
export interface History {
  /** Tokens in a row that died early, the present one not counted. */
  readonly deaths: number
  /** Those of them, at the end of the row, that died so soon that somebody must be fighting for it. */
  readonly short: number
  /** When the last tokens were fetched, the present one included, by the store's clock; oldest first. */
  readonly fetched: ReadonlyArray<number>
}

// the names are short, because a store keeps 1,000 characters
const parse = (history: string): History | undefined =>
  Result.getOrUndefined(
    Result.try(() => {
      const { d: deaths, f: fetched, s: short } = JSON.parse(history)
      return [deaths, short, ...fetched].every(Number.isFinite) ? { deaths, short, fetched } : undefined
    })
  )

/** The history of a slot; a new one where there is none, or none that can be read. */
export const read = ({ generation, history }: Slot): History =>
  // a token's generation is the time it was written
  parse(history) ?? { deaths: 0, short: 0, fetched: generation > 0 ? [generation] : [] }

/** The history when one more token was fetched at this time of the store's. */
export const next = ({ deaths, fetched, short }: History, time: number): string =>
  JSON.stringify({ d: deaths, s: short, f: [...fetched.slice(-kept), Math.round(time)] })

/** When the present token was fetched, by the store's clock. */
export const fetchedAt = ({ fetched }: History): number => fetched.at(-1) ?? -Infinity

const kept = 5

// A token that lived shorter is a blow in a ping-pong. QQ honours a token for 5 minutes after another was fetched, so one
// that somebody else's regular fetch ended has lived longer: that costs a fetch now and then, and no call.
const shortLife = 120_000
// so many are replaced at once,
const replaced = 3
// then one every so often, to see whether it lasts;
const pause = 600_000
// and one that lasted so long ends the row
const longLife = 1_800_000

/** The history when the present token is replaced after a life as long as it was meant to be. */
export const lived = (history: History): History => ({ ...history, deaths: 0, short: 0 })

/** The history when the present token is replaced after it died early, and how many milliseconds that must wait. */
export const died = (history: History, now: number): { readonly history: History; readonly wait: number } => {
  const age = Math.max(0, now - fetchedAt(history))
  const fighting = history.short >= replaced
  const short = age < (fighting ? longLife : shortLife) ? history.short + 1 : 0
  return {
    history: { ...history, deaths: history.deaths + 1, short },
    wait: fighting ? Math.max(0, pause - age) : 0
  }
}

// whoever fetches regularly beside us is told of, first after so many deaths, and then now and then
const told = 3
const toldAgain = 12

/** Whether so many early deaths in a row are worth a word, though no call fails. */
export const isTold = ({ deaths, short }: History): boolean =>
  deaths > 0 && short < replaced && (deaths === told || deaths % toldAgain === 0)
