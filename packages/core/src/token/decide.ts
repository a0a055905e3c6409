/**
 * What a holder does about a slot of the store. Pure: everything it knows comes in, and one decision comes out.
 *
 * T1, T2, T3 and T9 are kept here, and carried out by `lease.ts` and `alone.ts`.
 */
import type { Reason } from "../reason/client.ts"
import type { Slot } from "../TokenCache.ts"
import * as Contest from "./contest.ts"
import { margin, same, type Token, type Wanted } from "./token.ts"

/** What a holder knows when it has read the slot. */
export interface Situation {
  readonly slot: Slot
  readonly wanted: Wanted
  /** The generation that will not do, see {@link excluded}. */
  readonly not: number | undefined
  /** The token in this process's memory, if it will do. */
  readonly present: Token | undefined
  /** The token that this holder fetched and that the store did not take. */
  readonly granted: Token["value"] | undefined
  /** Why there can be no fetch: QQ refused lately, or the time is over. */
  readonly failed: Reason | undefined
}

/** What to do. */
export type Decision =
  /** Use the slot's token. `fresh`: it is the one that this holder fetched. */
  | { readonly _tag: "Use"; readonly value: Token["value"]; readonly fresh: boolean }
  /** Use the token in memory, which is newer than the slot's. */
  | { readonly _tag: "Keep"; readonly token: Token }
  /** Use the token that was fetched, though the store did not take it. */
  | { readonly _tag: "KeepGranted" }
  | { readonly _tag: "Fail"; readonly reason: Reason }
  /** T7: fetch nothing for a while. */
  | { readonly _tag: "Stop"; readonly verdict: Contest.Verdict }
  /** Another holder has the lease. */
  | { readonly _tag: "Wait" }
  /** Take the lease of the slot's generation and fetch. */
  | { readonly _tag: "Fetch"; readonly history: Contest.History }

/** Whether a slot has a token that is good for another request. */
export const isUsable = (slot: Slot): slot is Slot & { readonly token: Token["value"] } =>
  slot.token !== undefined && slot.expiresIn > margin(slot.lifetime)

/** The generation that will not do. `before` is what the last look gave. */
export const excluded = (slot: Slot, wanted: Wanted, before: number | undefined): number | undefined => {
  switch (wanted._tag) {
    case "Any":
      return undefined
    case "Fresh":
      // Whatever stands there at the first look is older than the wish.
      return before ?? slot.generation
    case "Instead": {
      // A token that was fetched without the store, or whose writing was not heard of, has another number there.
      if (slot.token !== undefined && same(slot.token, wanted.token.value)) return slot.generation
      const { origin } = wanted.token
      return before ?? (origin._tag === "Stored" ? origin.generation : undefined)
    }
  }
}

/** T3: whether the slot's token is the very one that QQ refused, so that it is to be removed. */
export const isRefused = ({ slot, wanted, not }: Pick<Situation, "slot" | "wanted" | "not">): boolean =>
  wanted._tag === "Instead" && wanted.refused && slot.token !== undefined && slot.generation === not

// T2: another call of this process may have got a newer one while this call read. Of a token without the store, the store
// decides later which of both goes on.
const isNewer = ({ origin }: Token, slot: Slot): boolean =>
  origin._tag === "Alone" || origin.generation > slot.generation

/** The decision. */
export const decide = ({ failed, granted, not, present, slot, wanted }: Situation): Decision => {
  if (isUsable(slot) && slot.generation !== not) {
    if (present !== undefined && isNewer(present, slot)) return { _tag: "Keep", token: present }
    return { _tag: "Use", value: slot.token, fresh: granted !== undefined && same(slot.token, granted) }
  }
  // T1: one fetch is enough, though the store did not take it.
  if (granted !== undefined) return { _tag: "KeepGranted" }
  if (failed !== undefined) return { _tag: "Fail", reason: failed }
  const verdict = Contest.judge(slot, wanted)
  if (verdict.wait > 0) return { _tag: "Stop", verdict }
  // T9: a lease ends by the store's clock, so a dead holder delays the others no longer than that.
  return slot.leasedFor > 0 ? { _tag: "Wait" } : { _tag: "Fetch", history: verdict.history }
}

/** What this process knows of a token that it fetched without the store. */
export interface Lone {
  /** The token as it was fetched. */
  readonly value: Token["value"]
  /** The token that is in use now: the same, or what stood in the store at an earlier look. */
  readonly current: Token
  /** When it was fetched, by the store's clock. */
  readonly fetched: number
}

/**
 * T6: what becomes of it when the store is back. `Over`: a newer one died already, so this one did too. `Follow`: use the
 * store's token. `Share`: put this one into the store. `Leave`: the store's token is gone again, and that is for the next
 * call to deal with.
 */
export const settle = (slot: Slot, { current, fetched, value }: Lone): "Over" | "Follow" | "Share" | "Leave" => {
  const isNewerThere = Contest.fetchedAt(Contest.read(slot)) > fetched
  if (isNewerThere && slot.token === undefined) return "Over"
  const follows = current.origin._tag === "Stored"
  if (isUsable(slot) && (follows || same(slot.token, value) || isNewerThere)) return "Follow"
  return follows ? "Leave" : "Share"
}
