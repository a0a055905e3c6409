import * as Redacted from "effect/Redacted"

const plain = (secret: string | Redacted.Redacted<string>): string =>
  typeof secret === "string" ? secret : Redacted.value(secret)

/**
 * Compares two secrets, tokens or signatures in constant time. Both are read to the end, so the time does not reveal
 * how many characters of a guess are right.
 */
export const sameSecret = (
  one: string | Redacted.Redacted<string>,
  other: string | Redacted.Redacted<string>
): boolean => {
  const a = plain(one)
  const b = plain(other)
  let difference = a.length ^ b.length
  // S2: no early exit. Past the end of a string `charCodeAt` is NaN, which counts as 0; then the lengths differ.
  for (let i = 0; i < Math.max(a.length, b.length); i++) difference |= a.charCodeAt(i) ^ b.charCodeAt(i)
  return difference === 0
}

/**
 * A fingerprint that distinguishes secrets in the keys of slots. It has 53 bits, far fewer than a secret, so the secret
 * can't be recovered from it. Without knowing the secret, its fingerprint can only be hit by chance.
 */
export const fingerprint = (text: string): string => {
  // Two multiplicative hashes of 32 bits, mixed and cut to 53 bits.
  let a = 0xdeadbeef
  let b = 0x41c6ce57
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    a = Math.imul(a ^ unit, 0x9e3779b1)
    b = Math.imul(b ^ unit, 0x5f356495)
  }
  a = Math.imul(a ^ (a >>> 16), 0x85ebca6b) ^ Math.imul(b ^ (b >>> 13), 0xc2b2ae35)
  b = Math.imul(b ^ (b >>> 16), 0x85ebca6b) ^ Math.imul(a ^ (a >>> 13), 0xc2b2ae35)
  return (4_294_967_296 * (b & 0x1fffff) + (a >>> 0)).toString(36)
}

// Matches a character, plain or percent-encoded one or more times.
const anyForm = (character: string): string => {
  const bytes = [...new TextEncoder().encode(character)]
  const encoded = bytes.map((byte) => `%(?:25)*${byte.toString(16).padStart(2, "0")}`).join("")
  const plain = character.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&")
  return `(?:${plain}|${encoded}${character === " " ? "|\\+" : ""})`
}

// Only this beginning of a long secret is searched for. The characters that follow it are removed too.
const maxSearchedCharacters = 64
// A shorter secret is removed only where it is a word of its own: "c" would otherwise be removed from every "code". QQ's
// own secrets are longer.
const minInsideWord = 8
// Only this beginning of a text is searched.
const maxTextCharacters = 16_384

// Whether a text is printable ASCII without `%`.
const isPlain = (text: string): boolean => /^[ -$&-~]*$/.test(text)

const flatten = (text: string): string => text.replace(/[\p{Cc}\s]+/gu, " ")

/** S1: a text of QQ's as one line of at most 300 characters, with all secrets of the call removed, in any encoding. */
export const scrub = (text: unknown, secrets: ReadonlyArray<Redacted.Redacted<string>>): string => {
  if (typeof text !== "string") return ""
  const flat = flatten(text)
  let clean = flat.slice(0, maxTextCharacters)
  const plain = isPlain(clean) ? clean.toLowerCase() : undefined
  for (const secret of secrets) {
    const characters = Array.from(flatten(Redacted.value(secret)))
    if (characters.length === 0) continue
    const beginning = characters.slice(0, maxSearchedCharacters)
    // Most texts contain no secret, and compiling the pattern below takes a millisecond.
    const simple = beginning.join("").toLowerCase()
    if (plain !== undefined && isPlain(simple) && !simple.includes(" ") && !plain.includes(simple)) continue
    const form = beginning.map(anyForm).join("") + (characters.length > maxSearchedCharacters ? "\\S*" : "")
    const pattern = characters.length < minInsideWord ? `(?<!\\w)${form}(?!\\w)` : form
    clean = clean.replace(new RegExp(pattern, "giu"), "<redacted>")
  }
  // The text may have been cut within a secret, so its end is dropped.
  if (flat.length > maxTextCharacters) clean = clean.slice(0, -maxTextCharacters / 2)
  clean = clean.trim()
  return clean.length > 300 ? `${clean.slice(0, 300)}…` : clean
}
