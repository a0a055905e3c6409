/** JSON as its bytes have it: in UTF-8 alone, and with every key, also one that stands there twice. */

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

/** The text that the bytes are, if they are UTF-8. */
export const textOf = orUndefined((bytes: Uint8Array) => strict.decode(bytes))

/** The value that a text is, if it is JSON. */
export const parse = orUndefined((text: string): unknown => JSON.parse(text))

// the strings of a JSON text, one after the other, and whether each is a key
const strings = /"([^"\\]*(?:\\.[^"\\]*)*)"(\s*:)?/g

/** C1: how many keys with these names a JSON text has, at any depth, however often and however escaped. */
export const countKeys = (text: string, names: ReadonlyArray<string>): number => {
  let count = 0
  for (const [, body = "", colon] of text.matchAll(strings)) {
    if (colon === undefined) continue
    const key = body.includes("\\") ? (JSON.parse(`"${body}"`) as string) : body
    if (names.includes(key)) count++
  }
  return count
}
