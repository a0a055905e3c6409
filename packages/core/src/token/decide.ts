/**
 * Decides what a holder does after it has read a slot of the store. Pure functions: they take all that the holder
 * knows, and return one decision.
 *
 * T1, T2, T3 and T9 are kept here. `lease.ts` and `fallback.ts` execute the decisions.
 */
import type { Reason } from "../reason/client.ts"
import type { Slot } from "../TokenCache.ts"
import * as Contest from "./contest.ts"
import { isWanted, margin, same, type Token, type Wanted } from "./token.ts"

/** Everything that a holder knows after it has read the slot. */
export interface Situation {
  readonly slot: Slot
  readonly wanted: Wanted
  /** The generation that must not be used, see {@link excludedGeneration}. */
  readonly excluded: number | undefined
  /** The token in this process's memory, if the caller accepts it. */
  readonly present: Token | undefined
  /** The token that this holder fetched and could not store. */
  readonly granted: Token["value"] | undefined
  /** Why the holder must not fetch: a remembered refusal by QQ, or a passed deadline. */
  readonly failed: Reason | undefined
}

/** The decision of a holder. */
export type Decision =
  /** Use the slot's token. `fresh` says that this holder fetched it. */
  | { readonly _tag: "Use"; readonly value: Token["value"]; readonly fresh: boolean }
  /** Use the token in memory, which is newer than the slot's. */
  | { readonly _tag: "Keep"; readonly token: Token }
  /** Use the fetched token, although it could not be stored. */
  | { readonly _tag: "KeepGranted" }
  /** Fail with this reason. */
  | { readonly _tag: "Fail"; readonly reason: Reason }
  /** T7: do not fetch for a while. */
  | { readonly _tag: "Stop"; readonly verdict: Contest.Verdict }
  /** Wait, because another holder has the lease. */
  | { readonly _tag: "Wait" }
  /** Take the lease of the slot's generation and fetch. */
  | { readonly _tag: "Fetch"; readonly history: Contest.History }

/** Whether the slot's token is valid long enough for another request. */
export const isUsable = (slot: Slot): slot is Slot & { readonly token: Token["value"] } =>
  slot.token !== undefined && slot.expiresIn > margin(slot.lifetime)

/** The generation that must not be used. `before` is the result after the previous read of the slot. */
export const excludedGeneration = (slot: Slot, wanted: Wanted, before: number | undefined): number | undefined => {
  switch (wanted._tag) {
    case "Any":
      return undefined
    case "Fresh":
      // The token at the first read is older than the caller's request for a fresh one.
      return before ?? slot.generation
    case "Instead": {
      // Compare the value: a token has another generation in the store if it was fetched without the store, or if the
      // answer to its write got lost. And a store that fails over to a replica may hold an older token again.
      if (slot.token !== undefined && !isWanted(slot.token, wanted)) return slot.generation
      const { origin } = wanted.token
      return before ?? (origin._tag === "Stored" ? origin.generation : undefined)
    }
  }
}

/** T3: whether the slot's token is the one that QQ refused, so that it must be removed. */
export const isRefused = ({ slot, wanted, excluded }: Pick<Situation, "slot" | "wanted" | "excluded">): boolean =>
  wanted._tag === "Instead" && wanted.refused && slot.token !== undefined && slot.generation === excluded

// T2: another call of this process may have got a newer token while this call read the slot. A token that was fetched
// without the store counts as newer; `settle` later decides which of the two is used.
const isNewer = ({ origin }: Token, slot: Slot): boolean =>
  origin._tag === "Unstored" || origin.generation > slot.generation

/** Decides what to do. */
export const decide = ({ excluded, failed, granted, present, slot, wanted }: Situation): Decision => {
  if (isUsable(slot) && slot.generation !== excluded) {
    if (present !== undefined && isNewer(present, slot)) return { _tag: "Keep", token: present }
    return { _tag: "Use", value: slot.token, fresh: granted !== undefined && same(slot.token, granted) }
  }
  // T1: one fetch is enough, even if the token could not be stored.
  if (granted !== undefined) return { _tag: "KeepGranted" }
  if (failed !== undefined) return { _tag: "Fail", reason: failed }
  const verdict = Contest.judge(slot, wanted)
  if (verdict.wait > 0) return { _tag: "Stop", verdict }
  // T9: a lease ends by the store's clock, so a crashed holder blocks the others at most until then.
  return slot.leasedFor > 0 ? { _tag: "Wait" } : { _tag: "Fetch", history: verdict.history }
}

/** A token that this process fetched without the store. */
export interface UnstoredToken {
  /** The fetched token. */
  readonly value: Token["value"]
  /** The token in use now: the fetched one, or one that was read from the store since. */
  readonly current: Token
  /** When the token was fetched, by the store's clock. */
  readonly fetched: number
}

/**
 * T6: decides what happens to that token when the store is back.
 *
 * - `Over`: a newer token has already died, so this one is dead too.
 * - `Follow`: use the store's token.
 * - `Share`: write this token to the store.
 * - `Leave`: the store's token has been removed; the next call deals with that.
 */
export const settle = (
  slot: Slot,
  { current, fetched, value }: UnstoredToken
): "Over" | "Follow" | "Share" | "Leave" => {
  const isNewerThere = Contest.fetchedAt(Contest.read(slot)) > fetched
  if (isNewerThere && slot.token === undefined) return "Over"
  const follows = current.origin._tag === "Stored"
  if (isUsable(slot) && (follows || same(slot.token, value) || isNewerThere)) return "Follow"
  return follows ? "Leave" : "Share"
}
