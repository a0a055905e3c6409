/** What a ledger of broadcasts keeps. */

/** Whether a broadcast may send: `running`, `paused` until it is resumed, or `cancelled` for good. */
export type Control = "running" | "paused" | "cancelled"

/** How many rows of a broadcast are in each state. */
export interface Counts {
  /** Not sent yet. */
  readonly new: number
  /** Claimed, and without a result yet. */
  readonly sending: number
  /** QQ took the message. */
  readonly sent: number
  /** It can't be known whether the message was sent. */
  readonly unknown: number
  /** Certainly not sent, by the reason that was given with {@link Settled}. */
  readonly refused: Readonly<Record<string, number>>
}

/** A broadcast in the ledger. */
export interface Entry {
  /** Tells this broadcast from an earlier one with the same name that was removed. */
  readonly created: string
  readonly control: Control
  /** Why the broadcast was paused or cancelled. Empty if nobody gave a reason. */
  readonly why: string
  /** How many chunks of recipients were loaded. */
  readonly loaded: number
  /** What the loader remembers, as text. */
  readonly document: string
  readonly counts: Counts
}

/** The state of a row. */
export type State = "new" | "sending" | "sent" | "unknown" | "refused"

/** One recipient of a broadcast. */
export interface Row {
  /** The recipient's line in the source, from 1. */
  readonly line: number
  readonly state: State
  /** Why it was refused. Empty otherwise. */
  readonly reason: string
}

/** A row whose outcome is unknown. */
export interface Unknown {
  readonly recipient: string
  /** The claim that ended without a result. */
  readonly claim: string
  /** The message of that claim. */
  readonly message: string
}

/** A row to claim. */
export interface Claiming {
  readonly recipient: string
  /** The message, as text. It is kept until the row is sent, refused or new again. */
  readonly message: string
  /** Claims a row that is `unknown`, if its claim is still this one. Without it, only a `new` row is claimed. */
  readonly instead?: string | undefined
}

/**
 * What a claim found. `claimed`: the message may be sent now. `busy`: another claim is not over yet. `done`: the row has
 * a result, or there is no such row. `stopped`: the broadcast is not running, or does not exist.
 */
export type Claimed =
  | { readonly found: "claimed" | "done" | "stopped" }
  | { readonly found: "busy"; /** Milliseconds until the other claim is over. */ readonly wait: number }

/** The result of a claimed row. `new`: certainly nothing was sent, and it may be claimed again. */
export interface Settled {
  readonly recipient: string
  readonly to: Exclude<State, "sending">
  /** Why it was refused: at most 64 characters. The counts have a field for each reason. */
  readonly reason?: string | undefined
}
