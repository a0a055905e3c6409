/** A token, where it came from, and what a caller wants of one. */
import type * as Redacted from "effect/Redacted"
import { sameSecret } from "../internal/secrets.ts"

/** From the store, which gave it this generation. */
export interface Stored {
  readonly _tag: "Stored"
  readonly generation: number
}

/** Fetched by this process while the store was away. No other process knows it. */
export interface Alone {
  readonly _tag: "Alone"
}

/** A token and where it came from. */
export interface Token {
  readonly value: Redacted.Redacted<string>
  readonly origin: Stored | Alone
}

/** A token, and whether it was fetched now or found. */
export interface Fetched {
  readonly token: Token
  readonly fresh: boolean
}

/** Any good token will do. */
export interface Any {
  readonly _tag: "Any"
}

/** Another token than this one, which QQ refused or whose end is near. */
export interface Instead {
  readonly _tag: "Instead"
  readonly token: Token
  readonly refused: boolean
}

/** Only a token that is fetched now will do. */
export interface Fresh {
  readonly _tag: "Fresh"
}

/** What a caller wants. */
export type Wanted = Any | Instead | Fresh

export const any: Any = { _tag: "Any" }
export const fresh: Fresh = { _tag: "Fresh" }
/** Another token than one whose end is near. */
export const after = (token: Token): Instead => ({ _tag: "Instead", token, refused: false })
/** Another token than one that QQ refused. */
export const insteadOf = (token: Token): Instead => ({ _tag: "Instead", token, refused: true })

/** The token that the store wrote under this generation. */
export const stored = (value: Token["value"], generation: number): Token => ({
  value,
  origin: { _tag: "Stored", generation }
})

/** Whether two tokens are the same for QQ, wherever they came from. */
export const same = (one: Token["value"], other: Token["value"]): boolean => sameSecret(one, other)

/** Whether a token will do, as long as it is not over. */
export const isWanted = (value: Token["value"], wanted: Wanted): boolean =>
  wanted._tag === "Any" || (wanted._tag === "Instead" && !same(value, wanted.token.value))

/** Whether a call can't go on with the token it has. */
export const isNeeded = (wanted: Wanted): boolean =>
  wanted._tag === "Fresh" || (wanted._tag === "Instead" && wanted.refused)

/**
 * How many milliseconds ahead of the end of a token with this lifetime its renewal begins. QQ honours the old one for 5
 * minutes after a new one was fetched, so that is the most.
 */
export const renewalLead = (lifetime: number): number => Math.min(300_000, lifetime / 10)

/**
 * How many milliseconds ahead of its end a token with this lifetime is given up, so that a request on its way does not
 * arrive too late.
 */
export const margin = (lifetime: number): number => Math.min(10_000, lifetime / 20)
