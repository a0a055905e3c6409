/** Loads the recipients of a broadcast: reads the source, checks every row, and makes chunks of messages. */
import * as Effect from "effect/Effect"
import { isPromiseLike } from "effect/Predicate"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import { digestOf } from "../bulk/digest.ts"
import type { Halt } from "../bulk/halt.ts"
import { isOnce, notARow, read, type Row, type SourceError } from "../bulk/source.ts"
import type { Help } from "../internal/reason.ts"
import type { QQError } from "../reason/error.ts"
import { type BadRow, type Document, withChunk } from "./document.ts"
import { type Letter, letterOf } from "./letter.ts"
import { check, messageOf } from "./message.ts"
import { type Checked, invalid } from "./options.ts"
import type { PatientLedger } from "./patientLedger.ts"
import { documentOf, progressOf } from "./progress.ts"

/** What a loader works with. */
export interface LoaderOptions<A, E> {
  readonly options: Checked<A, E>
  readonly ledger: PatientLedger
  readonly halt: Halt
  /**
   * Takes the messages of a chunk, before it counts as loaded. `false` if it could not take them all: then loading ends,
   * and begins with this chunk the next time.
   */
  readonly take: (chunk: number, letters: Letters) => Effect.Effect<boolean>
  /** Whether loading fails if all rows are bad. */
  readonly needsRecipients: boolean
}

/** The messages of a chunk, one for each recipient. */
export interface Letters {
  readonly own: ReadonlyArray<Letter>
  /**
   * Those whose recipient was in an earlier chunk: duplicates, or rows that moved because the source changed. Such a row
   * may still be `new`.
   */
  readonly seen: ReadonlyArray<Letter>
}

const changed = invalid([
  {
    field: "recipients",
    problem: {
      en: "are not those with which this broadcast began. Resume it with the same recipients in the same order, or give the new ones another id",
      zh: "与群发开始时的接收者不同。请用相同顺序的相同接收者继续，或为新的接收者换一个 id"
    }
  }
])

/** The error of a source without a good row: a template_id is missing, or the columns have other names. */
const allBad = ({ badRows }: Document): QQError => {
  const [{ field, line, problem } = { field: "row", line: 1, problem: notARow }] = badRows
  const en = `have no row that is right. Line ${line}: ${field} ${problem.en}. Correct this, and remove the broadcast or change its id`
  const zh = `没有一行是正确的。第 ${line} 行：${field} ${problem.zh}。请更正，并删除该群发或更换 id`
  return invalid([{ field: "recipients", problem: { en, zh } }])
}

const goOn = Effect.succeed(true)

const messageFailed: Help = { en: "the function message failed for it", zh: "函数 message 执行失败" }
const messageIsPromise: Help = {
  en: "the function message gives a promise. Read what it needs with the recipients",
  zh: "函数 message 返回了 Promise。请在读取接收者时一并读取所需数据"
}

/** Checks a row. Gives its message, or its problems. */
const checkRow = <A>(row: Row<A>, { message, shared }: Checked<A, unknown>): Letter | ReadonlyArray<BadRow> => {
  const { line, problem, value } = row
  if (problem !== undefined || value === undefined) return [{ line, field: "row", problem: problem ?? notARow }]
  const made = Result.try((): unknown => {
    if (message === undefined) return messageOf(value, shared)
    const own = message(value)
    return isPromiseLike(own) ? own : { ...shared, ...own }
  })
  if (Result.isFailure(made)) return [{ line, field: "row", problem: messageFailed }]
  if (isPromiseLike(made.success)) return [{ line, field: "row", problem: messageIsPromise }]
  const checked = check(made.success)
  return Result.isSuccess(checked)
    ? letterOf(line, checked.success)
    : checked.failure.slice(0, 1).map((one) => ({ line, ...one }))
}

const duplicate = (line: number, first: number): BadRow => ({
  line,
  field: "touser",
  problem: { en: `is the same recipient as in line ${first}`, zh: `与第 ${first} 行是同一接收者` }
})

/** The recipients of a chunk, by which a changed source is noticed. A message may contain the time, and so change. */
const textOf = (letters: ReadonlyArray<Letter | ReadonlyArray<BadRow>>): string =>
  letters.map((one) => ("text" in one ? one.message.touser : "")).join("\n")

/** Adds the messages of a chunk to the ledger. Those whose recipient has an earlier row are bad rows. */
const add = (
  ledger: PatientLedger,
  letters: ReadonlyArray<Letter>,
  firstLine: number
): Effect.Effect<Letters & { readonly duplicates: ReadonlyArray<BadRow> }> => {
  const firsts = new Map<string, Letter>()
  const duplicates: Array<BadRow> = []
  for (const letter of letters) {
    const first = firsts.get(letter.message.touser)
    if (first === undefined) firsts.set(letter.message.touser, letter)
    else duplicates.push(duplicate(letter.line, first.line))
  }
  const each = [...firsts.values()]
  const rows = each.map(({ line, message }) => ({ line, recipient: message.touser }))
  return Effect.map(
    ledger.until((store, broadcast) => store.add(broadcast, rows)),
    (lines) => {
      const own: Array<Letter> = []
      const seen: Array<Letter> = []
      for (const [i, letter] of each.entries()) {
        // A line of this chunk is of an earlier try to load it. It is another one if the source has changed since.
        if (lines[i]! >= firstLine) own.push(letter)
        else {
          seen.push(letter)
          duplicates.push(duplicate(letter.line, lines[i]!))
        }
      }
      return { own, seen, duplicates }
    }
  )
}

/**
 * Loads the chunks that are not loaded yet. Several processes may load at once, and one that died in the middle is
 * continued: every step can be repeated (B2). Ends early when the work is halted, or the broadcast is cancelled or removed.
 */
export const load = <A, E>(loader: LoaderOptions<A, E>): Effect.Effect<void, E | SourceError | QQError> =>
  Effect.flatMap(loadOnce(loader), (isBehind) => (isBehind ? load(loader) : Effect.void))

/**
 * Loads until the end. A function is asked again when another process has loaded a chunk meanwhile: it continues there,
 * and its rows may have changed in between. Then this returns `true`.
 */
const loadOnce = Effect.fnUntraced(function* <A, E>({
  halt,
  ledger,
  needsRecipients,
  options,
  take
}: LoaderOptions<A, E>): Effect.fn.Return<boolean, E | SourceError | QQError> {
  const { recipients } = options
  const entryNow = ledger.until((store, broadcast) => store.read(broadcast))
  const first = yield* entryNow
  if (recipients === undefined || first === undefined) return false
  const begun = documentOf(first)
  const continues = typeof recipients === "function"
  const isFinished = progressOf("", first).state === "finished"
  if (begun.isComplete && (!isFinished || continues || isOnce(recipients))) return false
  const { rows } = read(recipients, begun, (problem) => invalid([{ field: "recipients", problem }]))
  if (begun.isComplete) {
    // Somebody who uses the id of a finished broadcast again must learn that nobody gets a message.
    return (yield* Stream.runCount(rows)) === begun.rows ? false : yield* changed
  }
  // The number of the chunk that is read, and the digest of the chunks before it.
  let chunk = continues ? first.loaded : 0
  let digest = continues ? begun.digest : 0
  let isGoingOn = true
  let isBehind = false

  const advance = (document: Document) =>
    ledger.until((store, broadcast) => store.advance(broadcast, { from: chunk, document: JSON.stringify(document) }))

  const loadChunk = Effect.fnUntraced(function* (rows: ReadonlyArray<Row<A>>) {
    // An array of recipients and a store in a file never wait. Nothing else would run until all is loaded: no message, no
    // timer, no request to the app.
    yield* Effect.yieldNow
    const entry = yield* entryNow
    isGoingOn = !halt.isHalted && entry !== undefined && entry.control !== "cancelled"
    if (!isGoingOn || entry === undefined) return
    const document = documentOf(entry)
    if (chunk === entry.loaded && digest !== document.digest) {
      // Another process loaded the chunk before at the same moment, with other recipients.
      if (!continues) return yield* changed
      isBehind = true
      isGoingOn = false
      return
    }
    const checked = rows.map((row) => checkRow(row, options))
    digest = digestOf(digest, textOf(checked))
    if (chunk < entry.loaded) {
      isBehind = continues
      if (!continues && chunk + 1 === entry.loaded && digest !== document.digest) return yield* changed
    } else {
      const letters = checked.filter((one) => "text" in one)
      const { duplicates, ...taken } = yield* add(ledger, letters, rows[0]!.line)
      isGoingOn = yield* take(chunk, taken)
      if (!isGoingOn) return
      const badRows = [...checked.flatMap((one) => ("text" in one ? [] : one)), ...duplicates].sort(
        (a, b) => a.line - b.line
      )
      const after = rows[rows.length - 1]!.mark
      yield* advance(withChunk(document, { rows: rows.length, after, badRows, digest }))
    }
    isGoingOn = !isBehind
    chunk++
  })

  // Not `Stream.grouped`: it gives what it has also if the source fails, and a chunk is whole or the last one.
  let group: Array<Row<A>> = []
  yield* Stream.runForEachWhile(rows, (row) => {
    group.push(row)
    if (group.length < begun.size) return goOn
    const whole = group
    group = []
    return Effect.map(loadChunk(whole), () => isGoingOn)
  })
  if (isGoingOn && group.length > 0) yield* loadChunk(group)
  if (!isGoingOn) return isBehind
  const last = yield* entryNow
  if (last === undefined || documentOf(last).isComplete) return false
  if (chunk < last.loaded) {
    // The source ended before what was loaded from it.
    if (!continues) return yield* changed
    return true
  }
  const document = documentOf(last)
  // A broadcast that is complete could not be run again.
  if (needsRecipients && document.rows > 0 && progressOf("", last).recipients === 0) return yield* allBad(document)
  yield* advance({ ...document, isComplete: true })
  return false
})
