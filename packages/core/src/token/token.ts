/** A token, its origin, and what kind of token a caller wants. */
import type * as Redacted from "effect/Redacted"
import { sameSecret } from "../internal/secrets.ts"

/** The token is in the store under this generation. */
export interface Stored {
  readonly _tag: "Stored"
  readonly generation: number
}

/** This process fetched the token while the store was unavailable. No other process knows it. */
export interface Unstored {
  readonly _tag: "Unstored"
}

/** A token and its origin. */
export interface Token {
  readonly value: Redacted.Redacted<string>
  readonly origin: Stored | Unstored
}

/** A token, and whether this fetch got it from QQ. */
export interface Fetched {
  readonly token: Token
  readonly fresh: boolean
}

/** Any valid token. */
export interface Any {
  readonly _tag: "Any"
}

/** A token other than this one, which QQ refused or which expires soon. */
export interface Instead {
  readonly _tag: "Instead"
  readonly token: Token
  /** T4: more tokens that QQ refused to the same call. */
  readonly before: ReadonlyArray<Token>
  readonly refused: boolean
}

/** Only a token that is fetched now. */
export interface Fresh {
  readonly _tag: "Fresh"
}

/** The kind of token that a caller wants. */
export type Wanted = Any | Instead | Fresh

/** Wants any valid token. */
export const any: Any = { _tag: "Any" }
/** Wants a token that is fetched now. */
export const fresh: Fresh = { _tag: "Fresh" }
/** Wants a token other than this one, which expires soon. */
export const renewalOf = (token: Token): Instead => ({ _tag: "Instead", token, before: [], refused: false })
/** Wants a token other than this one, which QQ refused, and other than those that it refused to the call before. */
export const replacementOf = (token: Token, before: ReadonlyArray<Token> = []): Instead => ({
  _tag: "Instead",
  token,
  before,
  refused: true
})

/** A token that is in the store under this generation. */
export const stored = (value: Token["value"], generation: number): Token => ({
  value,
  origin: { _tag: "Stored", generation }
})

/** Whether two tokens have the same value, whatever their origins. */
export const same = (one: Token["value"], other: Token["value"]): boolean => sameSecret(one, other)

/** Whether a valid token satisfies `wanted`. */
export const isWanted = (value: Token["value"], wanted: Wanted): boolean =>
  wanted._tag === "Any" ||
  (wanted._tag === "Instead" && ![wanted.token, ...wanted.before].some((token) => same(value, token.value)))

/** Whether the call can't use the token that it has. */
export const isNeeded = (wanted: Wanted): boolean =>
  wanted._tag === "Fresh" || (wanted._tag === "Instead" && wanted.refused)

/**
 * How long before a token expires its renewal begins, in milliseconds. Takes the token's lifetime in milliseconds. At
 * most 5 minutes, because QQ accepts the old token for 5 minutes after a new one was fetched.
 */
export const renewalLead = (lifetime: number): number => Math.min(300_000, lifetime / 10)

/**
 * How long before a token expires it is no longer used, in milliseconds, so that no request arrives too late. Takes the
 * token's lifetime in milliseconds.
 */
export const margin = (lifetime: number): number => Math.min(10_000, lifetime / 20)
