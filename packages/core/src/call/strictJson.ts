/** Strict reading of JSON: only UTF-8, and with a count of all keys, including duplicates. */

const strict = new TextDecoder("utf-8", { fatal: true })

const orUndefined =
  <A, B>(f: (a: A) => B) =>
  (a: A): B | undefined => {
    try {
      return f(a)
    } catch {
      return undefined
    }
  }

/** Decodes bytes as UTF-8. `undefined` if they are not UTF-8. */
export const textOf = orUndefined((bytes: Uint8Array) => strict.decode(bytes))

/** Parses a text as JSON. `undefined` if it is not JSON. */
export const parse = orUndefined((text: string): unknown => JSON.parse(text))

// Matches each string of a JSON text, and the colon after it if the string is a key.
const strings = /"([^"\\]*(?:\\.[^"\\]*)*)"(\s*:)?/g

/** C1: counts the keys with these names in a JSON text, at any depth, including duplicates and escaped names. */
export const countKeys = (text: string, names: ReadonlyArray<string>): number => {
  let count = 0
  for (const [, body = "", colon] of text.matchAll(strings)) {
    if (colon === undefined) continue
    const key = body.includes("\\") ? (JSON.parse(`"${body}"`) as string) : body
    if (names.includes(key)) count++
  }
  return count
}
