/** The recipients of a broadcast: from an iterable, a stream or a cursor to numbered rows. */
import { isArrayNonEmpty, type NonEmptyReadonlyArray } from "effect/Array"
import * as Data from "effect/Data"
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
  constructor(fields: { readonly line: number; readonly value?: A; readonly problem?: Help }) {
    this.line = fields.line
    this.value = fields.value
    this.problem = fields.problem
  }
}

/** Reading the recipients failed. `cause` is the error of the iterable. */
export class SourceError extends Data.TaggedError("SourceError")<{ readonly cause: unknown }> {
  override get message(): string {
    return `Reading the recipients failed (${shown(this.cause, functions)}). 读取接收者失败。`
  }
}

/** Recipients in the order of the source. Nothing is read before it is needed. */
export type Rows<A, E> = Iterable<A | Row<A>> | AsyncIterable<A | Row<A>> | Stream.Stream<A | Row<A>, E>

/**
 * The recipients. They must come in the same order each time, because a broadcast that is resumed reads them again. A
 * function gets the number of recipients that were loaded before, and returns those that follow: for a database, so that
 * nothing is read twice.
 */
export type Recipients<A, E> = Rows<A, E> | ((skip: number) => Rows<A, E>)

const streamOf = <A, E>(rows: Rows<A, E>): Stream.Stream<A | Row<A>, E | SourceError | QQError> => {
  if (Stream.isStream(rows)) return rows
  const onError = (cause: unknown) => (isQQError(cause) ? cause : new SourceError({ cause }))
  return Symbol.asyncIterator in rows
    ? Stream.fromAsyncIterable(rows, onError)
    : Stream.flattenArray(Stream.fromAsyncIterable(inArrays(rows), onError))
}

// Larger arrays would not be faster.
const arraySize = 256

/** The same values in arrays. An iterable that throws rejects a promise, and is not a defect. */
const inArrays = <A>(rows: Iterable<A>): AsyncIterable<NonEmptyReadonlyArray<A>> => ({
  [Symbol.asyncIterator]: () => {
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
      next: () => new Promise((resolve) => resolve(next())),
      return: () => new Promise((resolve) => resolve({ done: true, value: iterator.return?.() }))
    }
  }
})

/** The numbered rows, and how many rows before them were left out. */
export const read = <A, E>(
  recipients: Recipients<A, E>,
  loaded: number
): { readonly rows: Stream.Stream<Row<A>, E | SourceError | QQError>; readonly skipped: number } => {
  const isFunction = typeof recipients === "function"
  const skipped = isFunction ? loaded : 0
  let line = skipped
  const rows = Stream.map(streamOf(isFunction ? recipients(loaded) : recipients), (row) => {
    line++
    return row instanceof Row ? row : new Row<A>({ line, value: row })
  })
  return { rows, skipped }
}
