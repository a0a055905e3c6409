/** A slot as one document of the database, and what a token of other software changes in it. Nothing here does I/O. */
import { sameSecret } from "@qq-mini/core/adapter/secrets"
import * as TokenCache from "@qq-mini/core/TokenCache"
import { createHash } from "node:crypto"
import { type ForeignToken, never } from "./foreignToken.ts"

/** The content of a slot's document. Times are epoch milliseconds. */
export interface SlotDocument extends TokenCache.Kept {
  /** Fingerprints of the last 8 tokens of the slot, which reveal a late write of an old one. */
  readonly marks: ReadonlyArray<string>
  /** Whether other software's document holds the same token. Always `true` where there is none. */
  readonly shared: boolean
}

/** The slot that nobody wrote yet. */
export const empty: SlotDocument = { ...TokenCache.empty, marks: [], shared: true }

const mark = (token: string): string => createHash("sha256").update(token).digest("hex").slice(0, 16)
const marked = (marks: ReadonlyArray<string>, token: string) => [...marks.slice(-7), mark(token)]

// QQ's tokens live two hours: assumed where only the end is known
const assumedLifetimeMillis = 7_200_000
// a token without an end is read again after 4 minutes
const endlessLifetimeMillis = 240_000

/** The slot after comparison with the token that other software has now. */
export const observe = (state: SlotDocument, found: ForeignToken | undefined): SlotDocument => {
  // T3: other software removed the token
  if (found === undefined) return state.shared && state.token !== "" ? { ...state, token: "" } : state
  if (sameSecret(found.token, state.token)) return state.shared ? state : { ...state, shared: true }
  // T2: a token of the past. Our last write there was cut off, or an older one came late
  if (state.marks.includes(mark(found.token))) return { ...state, shared: false }
  const endless = found.expires >= never
  const lifetime = endless
    ? endlessLifetimeMillis
    : found.since === undefined
      ? assumedLifetimeMillis
      : Math.max(1, found.expires - found.since)
  const since = endless ? 0 : (found.since ?? found.expires - lifetime)
  return {
    ...state,
    generation: Math.max(state.generation + 1, since),
    token: found.token,
    lifetime,
    expires: found.expires,
    history: "",
    marks: marked(state.marks, found.token),
    shared: true
  }
}

/** The slot after an operation beside other software. A changed token is not shared yet. */
export const changedBeside = (state: SlotDocument, next: TokenCache.Kept): SlotDocument => {
  const same = next.generation === state.generation && sameSecret(next.token, state.token)
  if (same) return { ...state, ...next }
  return { ...next, marks: next.token === "" ? state.marks : marked(state.marks, next.token), shared: false }
}
