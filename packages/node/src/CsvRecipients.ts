/**
 * The recipients of a broadcast from a CSV file, without holding it in memory.
 *
 * ```ts
 * const broadcast = yield* Broadcast.make({ id: "autumn-2026", template_id, recipients: CsvRecipients.read("users.csv") })
 * ```
 *
 * The first line names the columns: `openid`, `keyword1`, `keyword2` … and, if the rows differ in them, `template_id` and
 * `page`. Files of spreadsheets are read as they are: with commas, semicolons or tabs, as UTF-8, UTF-16 or GB 18030. A
 * broken line is reported with its number, and the lines after it are read. Needs the package `csv-parse`.
 */
import { shown, systemCalls } from "@qq-mini/core/adapter/shown"
import { checkNames } from "@qq-mini/core/adapter/Setup"
import { invalidConfig } from "@qq-mini/core/App"
import { Row } from "@qq-mini/core/Broadcast"
import { isQQError, type QQError } from "@qq-mini/core/QQError"
import type { parse as Parse } from "csv-parse/sync"
import * as Effect from "effect/Effect"
import { createReadStream } from "node:fs"
import { open } from "node:fs/promises"

/** The fields of a row, by the names of the columns. */
export type Fields = { readonly [column: string]: string }

/** Options of {@link read}. */
export interface Options {
  /** The field of each column whose name is another one: `{ "用户": "openid", "课程": "keyword1" }`. */
  readonly columns?: { readonly [column: string]: string } | undefined
}

const names = { columns: [] } satisfies { [Name in keyof Options]-?: ReadonlyArray<string> }

interface Line {
  readonly number: number
  readonly text: string
}

interface Record {
  readonly record: ReadonlyArray<string>
  /** `lines`: how many lines were read until its end. */
  readonly info: { readonly lines: number }
}

// Lines that are parsed at once.
const batchLines = 200
// A quoted text may contain so many line breaks. Beyond, its quote counts as broken.
const maxLinesOfRow = 50

const known = /^(openid|touser|template_id|page|keyword\d+)$/

/** The field of a column: capitals and spaces around it don't matter in the names that the broadcast knows. */
const fieldOf = (column: string, { columns = {} }: Options): string => {
  const name = column.trim()
  if (Object.hasOwn(columns, name)) return columns[name]!
  return known.test(name.toLowerCase()) ? name.toLowerCase() : name
}

/** The character between the columns: the one that is most frequent in the first line. */
const delimiterOf = (header: string): string =>
  [",", ";", "\t"].map((one) => [header.split(one).length, one] as const).sort(([a], [b]) => b - a)[0]![1]

// What a decoder writes for bytes that are no character.
const broken = "\ufffd"

/** How a file is encoded: by its byte order mark, or by what its beginning would be as UTF-8. */
const encodingOf = (head: Uint8Array): string => {
  if (head[0] === 0xff && head[1] === 0xfe) return "utf-16le"
  if (head[0] === 0xfe && head[1] === 0xff) return "utf-16be"
  if (head[0] === 0xef && head[1] === 0xbb && head[2] === 0xbf) return "utf-8"
  // As a stream, so that a character that is cut off at the end is not broken. In GB 18030 most characters would be. One
  // broken character of a UTF-8 file must not garble all others.
  const others = new TextDecoder("utf-8").decode(head, { stream: true }).replace(/\p{ASCII}/gu, "")
  return others.split(broken).length - 1 > others.length / 4 ? "gb18030" : "utf-8"
}

const headBytes = 65_536

const headOf = async (path: string): Promise<Uint8Array> => {
  const file = await open(path)
  try {
    const { buffer, bytesRead } = await file.read(new Uint8Array(headBytes), 0, headBytes, 0)
    return buffer.subarray(0, bytesRead)
  } finally {
    await file.close()
  }
}

/** The lines of a file. */
async function* linesOf(path: string): AsyncGenerator<Line> {
  const decoder = new TextDecoder(encodingOf(await headOf(path)))
  let number = 0
  let rest = ""
  const cut = function* (): Generator<Line> {
    const lines = rest.split(/\r\n|\n|\r(?!$)/)
    rest = lines.pop()!
    for (const text of lines) yield { number: ++number, text }
  }
  for await (const bytes of createReadStream(path)) {
    rest += decoder.decode(bytes as Uint8Array, { stream: true })
    yield* cut()
  }
  rest += `${decoder.decode()}\n`
  yield* cut()
}

const quotesIn = (text: string): number => text.split('"').length - 1

const isBlank = (record: ReadonlyArray<string>): boolean => record.every((value) => value.trim() === "")

/** The reader of one file, once its first line is known. */
class Table {
  readonly #parse: typeof Parse
  readonly #delimiter: string
  readonly #fields: ReadonlyArray<string>

  constructor(parse: typeof Parse, header: string, options: Options) {
    this.#parse = parse
    this.#delimiter = delimiterOf(header)
    this.#fields = (this.#records(header)[0]?.record ?? []).map((column) => fieldOf(column, options))
  }

  get hasRecipients(): boolean {
    return this.#fields.some((field) => field === "openid" || field === "touser")
  }

  /** A field of the message that several columns have. */
  get twice(): string | undefined {
    return this.#fields.find((field, i) => known.test(field) && this.#fields.indexOf(field) < i)
  }

  #records(text: string): ReadonlyArray<Record> {
    const options = { delimiter: this.#delimiter, relax_column_count: true, bom: true, info: true } as const
    return this.#parse(text, options) as unknown as ReadonlyArray<Record>
  }

  #row(line: number, values: ReadonlyArray<string>): Row<Fields> {
    const many = this.#fields.length
    if (values.length < many || !isBlank(values.slice(many))) {
      return new Row({
        line,
        problem: {
          en: `has ${values.length} columns, the first line has ${many}`,
          zh: `有 ${values.length} 列，而首行有 ${many} 列`
        }
      })
    }
    if (values.some((value) => value.includes(broken))) {
      return new Row({ line, problem: { en: "has a broken character", zh: "含有损坏的字符" } })
    }
    return new Row({ line, value: Object.fromEntries(this.#fields.map((field, i) => [field, values[i]!])) })
  }

  /**
   * The rows of a batch of lines. Lines without values are left out. Returns how many lines were read: a row at the end may
   * go on in the next batch.
   */
  *rows(lines: ReadonlyArray<Line>, isLast: boolean): Generator<Row<Fields>, number> {
    const records = this.#recordsOf(lines)
    if (records !== undefined) {
      let i = 0
      for (const { info, record } of records) {
        if (!isBlank(record)) yield this.#row(lines[i]!.number, record)
        i = info.lines
      }
      return lines.length
    }
    // There is a broken line among them, or the last row is not whole.
    for (let i = 0; i < lines.length;) {
      const { number, text } = lines[i]!
      const end = this.#endOf(lines, i)
      if (end === undefined && !isLast && lines.length - i < maxLinesOfRow) return i
      const [found] = (end === undefined ? undefined : this.#recordsOf(lines.slice(i, end))) ?? []
      if (found !== undefined && !isBlank(found.record)) yield this.#row(number, found.record)
      if (found === undefined && text.trim() !== "") {
        yield new Row({ line: number, problem: { en: "has a broken quote", zh: "引号不完整" } })
      }
      i = found === undefined ? i + 1 : end!
    }
    return lines.length
  }

  /** The index after the row that begins here: the first at which no quote is open. */
  #endOf(lines: ReadonlyArray<Line>, begin: number): number | undefined {
    let quotes = 0
    for (let i = begin; i < Math.min(lines.length, begin + maxLinesOfRow); i++) {
      quotes += quotesIn(lines[i]!.text)
      if (quotes % 2 === 0) return i + 1
    }
    return undefined
  }

  #recordsOf(lines: ReadonlyArray<Line>): ReadonlyArray<Record> | undefined {
    try {
      return this.#records(lines.map(({ text }) => text).join("\n"))
    } catch {
      return undefined
    }
  }
}

const noRecipients = (path: string): QQError =>
  invalidConfig(
    path,
    'its first line must name the columns, with "openid" for the recipient, as openid,keyword1,keyword2',
    "首行必须是列名，其中 openid 列为接收者，如 openid,keyword1,keyword2"
  )

const columnsTwice = (path: string, field: string): QQError =>
  invalidConfig(path, `its first line names the column ${field} twice`, `首行中的列 ${field} 重复`)

async function* rowsOf(path: string, options: Options): AsyncGenerator<Row<Fields>> {
  await Effect.runPromise(checkNames(options, names))
  const { parse } = await import("csv-parse/sync").catch(() => {
    throw invalidConfig(
      path,
      "needs the package csv-parse: npm install csv-parse",
      "需要安装 csv-parse 包：npm install csv-parse"
    )
  })
  let table: Table | undefined
  let batch: Array<Line> = []
  for await (const line of linesOf(path)) {
    if (table === undefined) {
      if (line.text.trim() === "") continue
      table = new Table(parse, line.text, options)
      if (!table.hasRecipients) throw noRecipients(path)
      if (table.twice !== undefined) throw columnsTwice(path, table.twice)
    } else if (batch.push(line) >= batchLines) {
      const read: number = yield* table.rows(batch, false)
      batch = batch.slice(read)
    }
  }
  if (table !== undefined) yield* table.rows(batch, true)
  if (table === undefined) throw noRecipients(path)
}

/**
 * Reads a CSV file, each time it is iterated. Reading fails with a `QQError` if the file can't be read, or if its first
 * line has no column `openid`.
 */
export const read = (path: string, options: Options = {}): AsyncIterable<Row<Fields>> => ({
  [Symbol.asyncIterator]: async function* () {
    try {
      yield* rowsOf(path, options)
    } catch (cause) {
      if (isQQError(cause)) throw cause
      const problem = shown(cause, systemCalls)
      throw invalidConfig(path, `can't be read (${problem})`, `无法读取（${problem}）`)
    }
  }
})
