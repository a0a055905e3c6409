/** A message of a broadcast on its way: its line in the source, its recipient and its text. */
import * as Schema from "effect/Schema"
import type { CheckedMessage } from "./message.ts"

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
