import * as Redacted from "effect/Redacted"

/** Whether two secrets are the same, in a time that does not tell where they differ. */
export const sameSecret = (a: Redacted.Redacted<string>, b: Redacted.Redacted<string>): boolean => {
  const left = Redacted.value(a)
  const right = Redacted.value(b)
  let difference = left.length ^ right.length
  for (let i = 0; i < left.length; i++) difference |= left.charCodeAt(i) ^ right.charCodeAt(i % (right.length || 1))
  return difference === 0
}

/** A text of QQ's, shortened to one line, with every secret of the call taken out, also in its URL-encoded form. */
export const scrub = (text: unknown, secrets: ReadonlyArray<Redacted.Redacted<string>>): string => {
  if (typeof text !== "string") return ""
  let clean = text.slice(0, 100_000)
  for (const secret of secrets) {
    const value = Redacted.value(secret)
    for (const form of new Set([value, encodeURIComponent(value)])) {
      if (form !== "") clean = clean.replaceAll(form, "<redacted>")
    }
  }
  clean = clean.replace(/[\p{Cc}\s]+/gu, " ").trim()
  return clean.length > 300 ? `${clean.slice(0, 300)}…` : clean
}
