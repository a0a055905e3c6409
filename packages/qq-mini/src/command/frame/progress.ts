/** A line of progress on the terminal: how much is done, how fast, and the time left. */
import type { Help } from "@qq-mini/core/QQError"
import { displayWidth } from "effect/cli/CliOutput"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import { both, isJson, say } from "./invocation.ts"

/** How far a long run is. */
export interface Progress {
  readonly done: number
  readonly total: number | undefined
  /** How many are done in a second. */
  readonly rate: number | undefined
  /** Short texts behind the numbers, such as counts. */
  readonly details: ReadonlyArray<string>
}

/** Whether progress is drawn: on a terminal, unless JSON goes to the same one. */
export const isDrawn: boolean =
  process.stderr.isTTY === true && process.env["TERM"] !== "dumb" && !(isJson && process.stdout.isTTY === true)

const barWidth = 20
const clear = "\r\x1b[2K"
// A run that ends sooner needs no bar.
const drawnAfter = "700 millis"

/** A number with its thousands apart. */
export const count = (n: number): string => n.toLocaleString("en-US")

/** A time in words, in two units at most. */
export const duration = (millis: number): Help => {
  const seconds = Math.max(1, Math.ceil(millis / 1_000))
  const [hours, minutes] = [Math.floor(seconds / 3_600), Math.floor((seconds % 3_600) / 60)]
  if (hours > 0) return both(`${hours} h ${minutes} min`, `${hours} 小时 ${minutes} 分`)
  return minutes > 0
    ? both(`${minutes} min ${seconds % 60} s`, `${minutes} 分 ${seconds % 60} 秒`)
    : both(`${seconds} s`, `${seconds} 秒`)
}

const bar = (part: number): string => {
  const full = Math.floor(part * barWidth)
  return `${"█".repeat(full)}${"░".repeat(barWidth - full)} ${String(Math.floor(part * 100)).padStart(3)}%`
}

/** The texts of a line. */
const partsOf = ({ details, done, rate, total }: Progress): ReadonlyArray<string> => {
  const left = total === undefined || rate === undefined ? undefined : duration(((total - done) / rate) * 1_000)
  return [
    ...(total === undefined || total === 0 ? [] : [bar(Math.min(1, done / total))]),
    total === undefined ? count(done) : `${count(done)}/${count(total)}`,
    ...(rate === undefined ? [] : [`${rate < 10 ? rate.toFixed(1) : Math.round(rate)}/s`]),
    ...(left === undefined ? [] : [say(both(`${left.en} left`, `剩余 ${left.zh}`))]),
    ...details
  ]
}

/** As many of the parts as fit into the terminal, so that the line is overwritten as a whole. */
const lineOf = (progress: Progress): string => {
  const width = (process.stderr.columns ?? 80) - 1
  let line = ""
  for (const part of partsOf(progress)) {
    const longer = line === "" ? part : `${line}  ${part}`
    if (displayWidth(longer) > width) break
    line = longer
  }
  return line
}

/** Runs an effect, and draws its progress meanwhile. */
export const withProgress =
  <P, E2, R2>(changes: Stream.Stream<P, E2, R2>, progressOf: (value: P) => Progress) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R | R2> => {
    if (!isDrawn) return effect
    const draw = Stream.runForEach(changes, (value) =>
      Effect.sync(() => process.stderr.write(clear + lineOf(progressOf(value))))
    )
    return Effect.raceFirst(
      effect,
      // Progress that can't be read ends nothing.
      Effect.andThen(Effect.delay(Effect.ignore(draw), drawnAfter), Effect.never)
    ).pipe(Effect.ensuring(Effect.sync(() => process.stderr.write(clear))))
  }

/**
 * Runs an effect that ends gracefully when it is interrupted: first `begin` is told, so that the user knows why the command
 * still runs, and in the end `end`.
 */
export const gracefully =
  (begin: Effect.Effect<void>, end: Effect.Effect<void>) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.gen(function* () {
      const fiber = yield* Effect.forkDetach(effect)
      const clearLine = Effect.sync(() => isDrawn && process.stderr.write(clear))
      return yield* Effect.onInterrupt(Fiber.join(fiber), () =>
        Effect.andThen(Effect.andThen(clearLine, begin), Effect.andThen(Fiber.interrupt(fiber), end))
      )
    })
