/** What is checked, one item a file or a line: its name, and how its content is read. */
import type { Content } from "@qq-mini/core/Moderation"
import { type Help, QQError } from "@qq-mini/core/QQError"
import { InvalidInput } from "@qq-mini/core/reason/input"
import * as Effect from "effect/Effect"
import { createReadStream } from "node:fs"
import { both } from "../frame/invocation.ts"
import { decode, Decoder } from "./decode.ts"
import { type Kind, type Named, unreadable } from "./files.ts"

/** One file or line. */
export interface Item {
  readonly file: string
  /** The line in the file, if each line is checked. */
  readonly line?: number
  readonly content: Effect.Effect<Content, QQError>
}

/** The texts of this file. */
export const texts = {
  empty: both("is empty", "内容为空"),
  largeText: both(
    "is larger than 10 MB: cut it, or check its lines with --lines",
    "超过 10 MB：请拆分文件，或使用 --lines 逐行检查"
  ),
  largeLine: both("has a line of more than 10 MB", "含有超过 10 MB 的行"),
  largeImage: both("is larger than 32 MB", "超过 32 MB")
}

const megabyte = 1024 * 1024
const maxBytes = { text: 10 * megabyte, image: 32 * megabyte }

const failed = (problem: Help): QQError =>
  new QQError({ endpoint: "check", app: undefined, reason: new InvalidInput({ field: "file", problem }) })

const open = (name: string): AsyncIterable<Uint8Array> => (name === "-" ? process.stdin : createReadStream(name))

/** The bytes of a file. A device or a pipe has no size, so it is counted what comes. */
const readAll = async (kind: Kind, name: string): Promise<Uint8Array | Help> => {
  const chunks: Array<Uint8Array> = []
  let size = 0
  for await (const chunk of open(name)) {
    size += chunk.length
    if (size > maxBytes[kind]) return kind === "text" ? texts.largeText : texts.largeImage
    chunks.push(chunk)
  }
  return size === 0 ? texts.empty : Buffer.concat(chunks)
}

const contentOf = async (kind: Kind, name: string, encoding: string | undefined): Promise<Content | Help> => {
  const bytes = await readAll(kind, name)
  if ("en" in bytes) return bytes
  if (kind === "image") return { image: bytes }
  const text = decode(bytes, encoding)
  return typeof text === "string" ? (text === "" ? texts.empty : { text }) : text
}

/** Each file as a whole. */
export const wholeFiles = (
  kind: Kind,
  files: ReadonlyArray<Named>,
  encoding: string | undefined
): ReadonlyArray<Item> =>
  files.map(({ name, problem }) => ({
    file: name,
    content:
      problem === undefined
        ? Effect.tryPromise({
            try: () => contentOf(kind, name, encoding),
            catch: (cause) => failed(unreadable(cause))
          }).pipe(Effect.flatMap((found) => ("en" in found ? Effect.fail(failed(found)) : Effect.succeed(found))))
        : Effect.fail(failed(problem))
  }))

/** The lines of a file, and at the end why the rest can't be read. */
async function* linesOf(name: string, encoding: string | undefined): AsyncGenerator<string | Help> {
  const decoder = new Decoder(encoding)
  let rest = ""
  try {
    for await (const bytes of open(name)) {
      const text = decoder.next(bytes)
      if (text === undefined) return yield decoder.problem
      const lines = (rest + text).split(/\r?\n/)
      rest = lines.pop()!
      yield* lines
      if (rest.length > maxBytes.text) return yield texts.largeLine
    }
    const end = decoder.next()
    yield end === undefined ? decoder.problem : rest + end
  } catch (cause) {
    yield unreadable(cause)
  }
}

/** Each line of the files that is not blank. The files are never in memory as a whole. */
export async function* eachLine(files: ReadonlyArray<Named>, encoding: string | undefined): AsyncGenerator<Item> {
  for (const { name, problem } of files) {
    let line = 0
    for await (const found of problem === undefined ? linesOf(name, encoding) : [problem]) {
      line++
      if (typeof found !== "string") {
        yield { file: name, ...(problem === undefined && { line }), content: Effect.fail(failed(found)) }
      } else if (found.trim() !== "") yield { file: name, line, content: Effect.succeed({ text: found }) }
    }
  }
}
