/** Splits a text that is too long for one check. */
import { utf8Length } from "../internal/schema.ts"
import { maxTextBytes } from "../Security.ts"

/** A part of a text, by indexes into the string. */
export interface Piece {
  readonly start: number
  readonly end: number
}

/** The last place up to `at` that does not cut a surrogate pair. */
const placeAt = (text: string, at: number): number => {
  const isInPair = (text.codePointAt(at - 1) ?? 0) > 0xffff
  return Math.min(isInPair ? at - 1 : at, text.length)
}

/**
 * The pieces of a text, each of at most `length` UTF-16 units. Each begins at least `overlap` units before the end of the
 * one before, so whatever is not longer than `overlap`, such as a word or an emoji of several code points, stands whole
 * in one of them. `overlap` must be at most half of `length`.
 */
export const split = (text: string, length: number, overlap: number): ReadonlyArray<Piece> => {
  const pieces: Array<Piece> = []
  for (let start = 0; ;) {
    const end = placeAt(text, start + length)
    pieces.push({ start, end })
    if (end === text.length) return pieces
    start = placeAt(text, end - overlap)
  }
}

/** A piece of this length is within QQ's limit, because in UTF-8 a UTF-16 unit has at most 3 bytes. */
export const safeLength = /* @__PURE__ */ Math.floor(maxTextBytes / 3)

/** The pieces in which a text is sent: one, unless it is longer than `length` or QQ's limit. */
export const piecesOf = (text: string, length: number, overlap: number): ReadonlyArray<Piece> =>
  text.length <= length && utf8Length(text) <= maxTextBytes
    ? [{ start: 0, end: text.length }]
    : split(text, Math.min(length, safeLength), overlap)
