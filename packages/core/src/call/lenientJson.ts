/**
 * Lenient reading of JSON, for error codes alone: QQ's number counts, whatever the encoding of the text beside it.
 */
import { orUndefined, parse } from "./strictJson.ts"

const utf8 = new TextDecoder()
// Some runtimes don't know this encoding. Made at the first use: hardly any program needs it.
const gb18030 = orUndefined((bytes: Uint8Array) => new TextDecoder("gb18030", { fatal: true }).decode(bytes))

const count = (text: string, pattern: RegExp): number => text.match(pattern)?.length ?? 0

// Two bytes of a character in GBK or GB18030. The second one may be that of a letter or of a backslash. S1: then half a
// character takes in the first letter of a secret after it, whose rest would not be recognised. So a word is looked for.
const pairs = /[\x81-\xfe](?:[\x80-\xfe]|[\x30-\x7e](?=([^\s"\\\x80-\xff]{7})?))|[\x80-\xff]/g

/** What the bytes may mean as a text, with U+FFFD for what can't be decoded. */
const readings = (bytes: Uint8Array): ReadonlyArray<string | undefined> => {
  const text = utf8.decode(bytes)
  const raw = bytes.reduce((text, byte) => text + String.fromCharCode(byte), "")
  // UTF-8 that was cut within a character can be valid GB18030, but is a garbled text then.
  const isUtf8 = count(text, /\ufffd/g) < count(text, /[\x80-\ufffc]/g)
  const mayHide = Array.from(raw.matchAll(pairs)).some(([, word]) => word !== undefined)
  return [isUtf8 || mayHide ? undefined : gb18030(bytes), text, raw.replace(pairs, "\ufffd")]
}

// QQ's errors have a few hundred bytes. I2: much larger bytes are not decoded again and again.
const maxErrorBytes = 65_536

const withoutGarbled = (_: string, value: unknown): unknown =>
  typeof value === "string" && value.includes("\ufffd") ? "" : value

/**
 * Parses bytes as JSON in any encoding that contains ASCII, also with control characters in its texts. A text that can't
 * be decoded is empty. `undefined` if it is not JSON, or larger than 64 KB.
 */
export const parseLeniently = (bytes: Uint8Array): unknown => {
  if (bytes.length > maxErrorBytes) return undefined
  for (const text of readings(bytes)) {
    const json = text === undefined ? undefined : parse(text.replace(/[\p{Cc}\ufeff]/gu, " "), withoutGarbled)
    if (json !== undefined) return json
  }
  return undefined
}
