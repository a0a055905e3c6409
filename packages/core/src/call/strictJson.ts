/** Strict reading of JSON: only UTF-8, and with a view of all keys, including duplicates. */

const strict = new TextDecoder("utf-8", { fatal: true })

/** Makes a function return `undefined` where it would throw. */
export const orUndefined =
  <A extends ReadonlyArray<unknown>, B>(f: (...args: A) => B) =>
  (...args: A): B | undefined => {
    try {
      return f(...args)
    } catch {
      return undefined
    }
  }

/** Decodes bytes as UTF-8. `undefined` if they are not UTF-8. */
export const textOf = orUndefined((bytes: Uint8Array) => strict.decode(bytes))

/** Parses a text as JSON. `undefined` if it is not JSON. */
export const parse = orUndefined((text: string, revive?: (name: string, value: unknown) => unknown): unknown =>
  JSON.parse(text, revive)
)

// Matches each string of a JSON text, with the colon after it if the string is a key, and looks whether a 0 follows.
const strings = /"([^"\\]*(?:\\.[^"\\]*)*)"(\s*:(?=(\s*0\s*[,}])?))?/g

/** Counts the keys with these names in a parsed value, at any depth. Duplicates are one key. */
const countKeys = (json: unknown, names: ReadonlyArray<string>): number => {
  let count = 0
  // A list, because a value may be nested more deeply than functions may call each other.
  const rest = [json]
  for (let at = rest.pop(); at !== undefined; at = rest.pop()) {
    if (typeof at !== "object" || at === null) continue
    for (const [name, value] of Object.entries(at)) {
      if (names.includes(name)) count++
      rest.push(value)
    }
  }
  return count
}

/**
 * C1: whether all keys with these names have the value 0, at any depth, and no object has one of them twice. `json` is
 * the parsed text. The zero must be written as `0`: `-0`, `0.0` and `1e-400` are parsed as 0, too.
 */
export const areZero = (text: string, json: unknown, names: ReadonlyArray<string>): boolean => {
  let count = 0
  for (const [, body = "", colon, zero] of text.matchAll(strings)) {
    if (colon === undefined) continue
    const key = body.includes("\\") ? (JSON.parse(`"${body}"`) as string) : body
    if (!names.includes(key)) continue
    if (zero === undefined) return false
    count++
  }
  return count === countKeys(json, names)
}
