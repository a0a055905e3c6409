/** What work in bulk is done on: from an iterable, a stream or a cursor to numbered rows. */
import { isArrayNonEmpty, type NonEmptyReadonlyArray } from "effect/Array"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { Help } from "../internal/reason.ts"
import { functions, shown } from "../internal/shown.ts"
import { isQQError, type QQError } from "../reason/error.ts"

/** A row of a source that numbers its lines itself, such as a file. `problem` is that of a line that can't be read. */
export class Row<A> {
  /** The line in the source, from 1. */
  readonly line: number
  readonly value: A | undefined
  readonly problem: Help | undefined
  /** Its place in the order of the source, such as its key in a database. A function gets it back, to continue after it. */
  readonly mark: string | undefined
  constructor(fields: { readonly line: number; readonly value?: A; readonly problem?: Help; readonly mark?: string }) {
    this.line = fields.line
    this.value = fields.value
    this.problem = fields.problem
    this.mark = fields.mark
  }
}

/** The problem of a row that has none of its own. */
export const notARow: Help = { en: "can't be read", zh: "无法读取" }

/** Reading the rows failed. `cause` is the error of the iterable. */
export class SourceError extends Data.TaggedError("SourceError")<{ readonly cause: unknown }> {
  override get message(): string {
    return `Reading the rows failed (${shown(this.cause, functions)}). 读取数据行失败。`
  }
}

/** Rows in the order of the source. Nothing is read before it is needed. */
export type Rows<A, E> = Iterable<A | Row<A>> | AsyncIterable<A | Row<A>> | Stream.Stream<A | Row<A>, E>

/**
 * The rows. They must come in the same order each time, because work that is resumed reads them again. A generator and a
 * stream of Node give their rows once: to read them a second time, as after a dry run, is an error.
 *
 * A function is for a database: it returns the rows that follow those that are done already. It gets their number, and the
 * `mark` of the last of them if the rows have marks. With marks, rows may be added and removed between the steps of a
 * broadcast.
 */
export type Source<A, E> = Rows<A, E> | ((skip: number, after: string | undefined) => Rows<A, E>)

/** Whether a value can be a source. */
export const isSource = (u: unknown): boolean =>
  typeof u === "function" ||
  (typeof u === "object" && u !== null && (Symbol.iterator in u || Symbol.asyncIterator in u || Stream.isStream(u)))

/** The problem of a source that is none. */
export const notASource: Help = {
  en: "must be an array or another iterable, an async iterable, a Stream, or a function that returns one of them",
  zh: "必须是数组等可迭代对象、异步可迭代对象、Stream，或返回这些的函数"
}

const readTwice: Help = {
  en: "can be read only once, and was read before: give an array, or a function of the number of rows to leave out",
  zh: "只能读取一次，且已被读取过：请改用数组，或以跳过行数为参数的函数"
}

/** Whether it gives its values only once, as iterators and the streams of runtimes do. */
export const isOnce = (source: object): boolean =>
  ["next", "getReader", "pipe"].some((name) => name in source) && !Stream.isStream(source)

const readBefore = /* @__PURE__ */ new WeakSet<object>()

const onError = (cause: unknown) => (isQQError(cause) ? cause : new SourceError({ cause }))

const streamOf = <A, E>(
  rows: Rows<A, E>,
  invalid: (problem: Help) => QQError
): Stream.Stream<A | Row<A>, E | SourceError | QQError> => {
  if (!isSource(rows) || typeof rows === "function") return Stream.fail(invalid(notASource))
  if (Stream.isStream(rows)) return rows
  // Without a check, it would look like a source whose rows have all gone.
  if (isOnce(rows) && readBefore.has(rows)) return Stream.fail(invalid(readTwice))
  readBefore.add(rows)
  if (!(Symbol.asyncIterator in rows)) return Stream.flattenArray(Stream.fromAsyncIterable(inArrays(rows), onError))
  // Here, where an error that it throws is caught.
  const iterator = rows[Symbol.asyncIterator]()
  return Stream.fromAsyncIterable({ [Symbol.asyncIterator]: () => iterator }, onError)
}

// Larger arrays would not be faster.
const arraySize = 256

/** The same values in arrays. An iterable that throws rejects a promise, and is not a defect. */
const inArrays = <A>(rows: Iterable<A>): AsyncIterable<NonEmptyReadonlyArray<A>> => {
  const iterator = rows[Symbol.iterator]()
  const next = (): IteratorResult<NonEmptyReadonlyArray<A>> => {
    const values: Array<A> = []
    while (values.length < arraySize) {
      const { done, value } = iterator.next()
      if (done === true) break
      values.push(value)
    }
    return isArrayNonEmpty(values) ? { done: false, value: values } : { done: true, value: undefined }
  }
  return {
    [Symbol.asyncIterator]: () => ({
      next: () => new Promise((resolve) => resolve(next())),
      return: () => new Promise((resolve) => resolve({ done: true, value: iterator.return?.() }))
    })
  }
}

/** How far a source was read: the number of rows, and the mark of the last. */
export interface Done {
  readonly rows: number
  readonly after?: string | undefined
}

/** The numbered rows, and how many rows before them were left out. `invalid` makes the error of a source that is wrong. */
export const read = <A, E>(
  source: Source<A, E>,
  done: Done,
  invalid: (problem: Help) => QQError
): { readonly rows: Stream.Stream<Row<A>, E | SourceError | QQError>; readonly skipped: number } => {
  const isFunction = typeof source === "function"
  const skipped = isFunction ? done.rows : 0
  let line = skipped
  const opened = Effect.try({
    try: () => streamOf(isFunction ? source(done.rows, done.after) : source, invalid),
    catch: onError
  })
  const rows = Stream.map(Stream.unwrap(opened), (row) => {
    line++
    return row instanceof Row ? row : new Row<A>({ line, value: row })
  })
  return { rows, skipped }
}
