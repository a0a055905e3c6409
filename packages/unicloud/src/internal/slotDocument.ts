/** A slot as one document of the database, and how a token of other software changes it. Pure functions. */
import { sameSecret } from "@qq-mini/core/adapter/secrets"
import * as TokenCache from "@qq-mini/core/TokenCache"
import { createHash } from "node:crypto"
import { type ForeignToken, never } from "./foreignToken.ts"

/** The content of a slot's document. Times are epoch milliseconds. */
export interface SharedSlotDocument extends TokenCache.SlotDocument {
  /** Fingerprints of the slot's last 8 tokens, to detect a late write of an old token. */
  readonly marks: ReadonlyArray<string>
  /** Whether other software's document contains the same token. Always `true` without other software. */
  readonly shared: boolean
}

/** The document of a slot that was never written. */
export const emptySharedDocument: SharedSlotDocument = { ...TokenCache.emptyDocument, marks: [], shared: true }

const mark = (token: string): string => createHash("sha256").update(token).digest("hex").slice(0, 16)
const marked = (marks: ReadonlyArray<string>, token: string) => [...marks.slice(-7), mark(token)]

// The lifetime of a token if only its end is known: QQ's tokens live two hours.
const assumedLifetimeMillis = 7_200_000
// A token without an expiry time is read again after 4 minutes.
const endlessLifetimeMillis = 240_000

/** Updates a slot with the token that other software has now. */
export const observe = (state: SharedSlotDocument, found: ForeignToken | undefined): SharedSlotDocument => {
  // T3: other software has removed the token.
  if (found === undefined) return state.shared && state.token !== "" ? { ...state, token: "" } : state
  if (sameSecret(found.token, state.token)) return state.shared ? state : { ...state, shared: true }
  // T2: an old token. Our last write to the other document was interrupted, or a late write replaced it.
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

/** The slot after an operation, if it is shared with other software. A changed token is not shared yet. */
export const applyChange = (state: SharedSlotDocument, next: TokenCache.SlotDocument): SharedSlotDocument => {
  const same = next.generation === state.generation && sameSecret(next.token, state.token)
  if (same) return { ...state, ...next }
  return { ...next, marks: next.token === "" ? state.marks : marked(state.marks, next.token), shared: false }
}
