/** A message of a broadcast on its way: its line in the source, its recipient and its text. */
import * as Schema from "effect/Schema"
import type { CheckedMessage, Shared } from "./message.ts"

/** A message of a broadcast. */
export interface Letter {
  readonly line: number
  /** The message as JSON, as the ledger keeps it. */
  readonly text: string
  readonly message: CheckedMessage
  /** Sends to a recipient whose outcome is unknown, if this is still the claim that ended without a result. */
  readonly instead?: string | undefined
}

/** The letter of a message. */
export const letterOf = (line: number, message: CheckedMessage): Letter => ({
  line,
  message,
  text: JSON.stringify(message)
})

/**
 * A letter of the queue or of the ledger, with what all messages share now: a wrong `template_id` can be corrected after
 * its message was stored. What differs from the first value is the message's own.
 */
export const revise = (letter: Letter, first: Shared = {}, now: Shared): Letter => {
  const fields = Object.entries(now).filter(([name, value]) => {
    const before = first[name as keyof Shared]
    return before !== value && letter.message[name as keyof Shared] === before
  })
  return fields.length === 0
    ? letter
    : { ...letter, ...letterOf(letter.line, { ...letter.message, ...Object.fromEntries(fields) }) }
}

/** The schema of a chunk: an element of the queue. The messages are JSON already. */
export const Chunk = /* @__PURE__ */ Schema.Struct({
  letters: Schema.Array(Schema.Struct({ line: Schema.Int, text: Schema.String }))
})

/** The letter of an element of a chunk, or of a row of the ledger. */
export const parse = ({ line, text }: { readonly line: number; readonly text: string }): Letter => ({
  line,
  text,
  message: JSON.parse(text) as CheckedMessage
})
