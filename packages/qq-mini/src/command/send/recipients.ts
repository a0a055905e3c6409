/** The recipients of a file, and the name of the broadcast that they make. */
import { shown, systemCalls } from "@qq-mini/core/adapter/shown"
import { Row } from "@qq-mini/core/Broadcast"
import * as CsvRecipients from "@qq-mini/node/CsvRecipients"
import * as Effect from "effect/Effect"
import { createHash } from "node:crypto"
import { createReadStream } from "node:fs"
import { basename } from "node:path"
import { pipeline } from "node:stream/promises"
import { type Failure, wrongUsage } from "../frame/exit.ts"
import { both } from "../frame/invocation.ts"

/** What all messages have in common. A row's own values go before it. */
export interface Shared {
  readonly template: string | undefined
  readonly page: string | undefined
  readonly data: Readonly<Record<string, string>>
}

/** The rows of the file, with the keywords that all have in common. */
export const recipientsOf = (csv: string, data: Shared["data"]): AsyncIterable<Row<CsvRecipients.Fields>> => ({
  [Symbol.asyncIterator]: async function* () {
    for await (const row of CsvRecipients.read(csv)) {
      yield row.value === undefined ? row : new Row({ line: row.line, value: { ...data, ...row.value } })
    }
  }
})

// An id has at most 64 characters.
const maxNameLength = 32

/** The name of a broadcast, and how the names of all begin that send the same message to this file. */
export interface Names {
  readonly id: string
  readonly prefix: string
}

/**
 * Names a broadcast by the name of its file, the message and the file's content: a command that is repeated goes on with
 * the same broadcast.
 */
export const namesOf = (csv: string, appid: string, shared: Shared): Effect.Effect<Names, Failure> =>
  Effect.tryPromise({
    try: async () => {
      const content = createHash("sha256")
      await pipeline(createReadStream(csv), content)
      const message = createHash("sha256").update(
        JSON.stringify([appid, shared.template, shared.page, Object.entries(shared.data).sort()])
      )
      const name = basename(csv)
        .replace(/\.csv$/i, "")
        .replace(/[^\w.-]+/g, "-")
        .slice(0, maxNameLength)
      const prefix = `${name}-${message.digest("hex").slice(0, 8)}-`
      return { id: `${prefix}${content.digest("hex").slice(0, 16)}`, prefix }
    },
    catch: (cause) => {
      const code = shown(cause, systemCalls)
      return wrongUsage(both(`The file of --csv can't be read (${code}).`, `无法读取 --csv 的文件（${code}）。`))
    }
  })
