/** The text of a file's bytes. Bytes are never guessed to be a text: another text would be checked than people see. */
import type { Help } from "@qq-mini/core/QQError"
import { both } from "../frame/invocation.ts"

/** The texts of this file. */
export const texts = {
  notText: both(
    "is not a text in UTF-8. If it is a text, name its encoding: --encoding gb18030",
    "不是 UTF-8 文本。如为其他编码的文本，请指明编码：--encoding gb18030"
  ),
  notInEncoding: both("is not a text in the encoding of --encoding", "不是 --encoding 所指编码的文本")
}

/** The encoding of a file: its byte order mark, else the one that the user names, else UTF-8. */
const encodingOf = (head: Uint8Array, named: string | undefined): string => {
  if (head[0] === 0xff && head[1] === 0xfe) return "utf-16le"
  if (head[0] === 0xfe && head[1] === 0xff) return "utf-16be"
  return named ?? "utf-8"
}

/** Whether there is an encoding of this name. */
export const isEncoding = (name: string): boolean => {
  try {
    return new TextDecoder(name).encoding !== ""
  } catch {
    return false
  }
}

/** Decodes bytes piece by piece. A piece is its text, or `undefined` if these bytes are no text. */
export class Decoder {
  readonly #named: string | undefined
  #decoder: TextDecoder | undefined

  constructor(named: string | undefined) {
    this.#named = named
  }

  /** What is wrong with bytes that are no text. */
  get problem(): Help {
    return this.#named === undefined ? texts.notText : texts.notInEncoding
  }

  /** The text of the next bytes. Without any, that of the end. */
  next(bytes?: Uint8Array): string | undefined {
    try {
      this.#decoder ??= new TextDecoder(encodingOf(bytes ?? new Uint8Array(), this.#named), { fatal: true })
      const text = bytes === undefined ? this.#decoder.decode() : this.#decoder.decode(bytes, { stream: true })
      // No text has it, and nearly every other file.
      return text.includes("\0") ? undefined : text
    } catch {
      return undefined
    }
  }
}

/** The text of all bytes of a file. */
export const decode = (bytes: Uint8Array, named: string | undefined): string | Help => {
  const decoder = new Decoder(named)
  const [text, end] = [decoder.next(bytes), decoder.next()]
  return text === undefined || end === undefined ? decoder.problem : text + end
}
