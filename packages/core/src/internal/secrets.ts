import * as Redacted from "effect/Redacted"

const plain = (secret: string | Redacted.Redacted<string>): string =>
  typeof secret === "string" ? secret : Redacted.value(secret)

/**
 * Whether two secrets, tokens or signatures are the same. Both are read to the end, wherever they differ, so the time it
 * takes does not show how much of a guess was right.
 */
export const sameSecret = (
  one: string | Redacted.Redacted<string>,
  other: string | Redacted.Redacted<string>
): boolean => {
  const a = plain(one)
  const b = plain(other)
  let difference = a.length ^ b.length
  // S2: no early exit. Past its end a text has NaN, which counts as 0; the lengths differ then.
  for (let i = 0; i < Math.max(a.length, b.length); i++) difference |= a.charCodeAt(i) ^ b.charCodeAt(i)
  return difference === 0
}

/**
 * Tells secrets apart in the names of slots: 53 bits, far fewer than a secret has, so that nobody can go back from them.
 * Whoever does not know the secret hits its fingerprint by chance alone.
 */
export const fingerprint = (text: string): string => {
  // two multiplicative hashes of 32 bits, mixed and cut to 53
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

// A character as it is, or percent-encoded by whatever rules, once or several times.
const anyForm = (character: string): string => {
  const bytes = [...new TextEncoder().encode(character)]
  const encoded = bytes.map((byte) => `%(?:25)*${byte.toString(16).padStart(2, "0")}`).join("")
  const plain = character.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&")
  return `(?:${plain}|${encoded}${character === " " ? "|\\+" : ""})`
}

// Of a long secret its beginning is looked for, and with it goes all that follows.
const shown = 64
// More of a text is not looked at; only its beginning is kept.
const looked = 16_384

// Printable ASCII without encodings.
const isPlain = (text: string): boolean => /^[ -$&-~]*$/.test(text)

const flatten = (text: string): string => text.replace(/[\p{Cc}\s]+/gu, " ")

/** S1: a text of QQ's in one line, with every secret of the call taken out in all its encodings, and then shortened. */
export const scrub = (text: unknown, secrets: ReadonlyArray<Redacted.Redacted<string>>): string => {
  if (typeof text !== "string") return ""
  const flat = flatten(text)
  let clean = flat.slice(0, looked)
  const plain = isPlain(clean) ? clean.toLowerCase() : undefined
  for (const secret of secrets) {
    const characters = Array.from(flatten(Redacted.value(secret)))
    if (characters.length === 0) continue
    const beginning = characters.slice(0, shown)
    // Most texts hold no secret, and the pattern below costs a millisecond to make.
    const simple = beginning.join("").toLowerCase()
    if (plain !== undefined && isPlain(simple) && !simple.includes(" ") && !plain.includes(simple)) continue
    const pattern = beginning.map(anyForm).join("") + (characters.length > shown ? "\\S*" : "")
    clean = clean.replace(new RegExp(pattern, "giu"), "<redacted>")
  }
  // where the text was cut, the beginning of a secret may be left
  if (flat.length > looked) clean = clean.slice(0, -looked / 2)
  clean = clean.trim()
  return clean.length > 300 ? `${clean.slice(0, 300)}…` : clean
}
