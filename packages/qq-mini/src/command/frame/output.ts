/**
 * What the command prints. Results go to the standard output, for people or, with `--json`, as one JSON value a line.
 * Everything else goes to the standard error.
 */
import type { Help } from "@qq-mini/core/QQError"
import { displayWidth } from "effect/cli/CliOutput"
import * as Effect from "effect/Effect"
import { styleText } from "node:util"
import { isJson, say } from "./invocation.ts"

type Style = Parameters<typeof styleText>[0]

const write = (stream: NodeJS.WriteStream, text: string): Effect.Effect<void> =>
  Effect.callback((resume) => {
    stream.write(text, () => resume(Effect.void))
  })

// Node reads NO_COLOR and the other variables.
const hasColours = (stream: NodeJS.WriteStream): boolean => stream.isTTY === true && stream.hasColors()

/** Whether texts of results are coloured. */
export const isColoured: boolean = !isJson && hasColours(process.stdout)

/** Styles a text of a result, if the standard output is a terminal with colours. */
export const style = (format: Style, text: string): string =>
  isColoured ? styleText(format, text, { validateStream: false }) : text

/** Whether a person sees the results: progress is drawn only for them. */
export const isTerminal: boolean = process.stdout.isTTY === true && !isJson

/** Prints a result: `json` with `--json`, else `text`. A long run may have many. */
export const print = (json: unknown, text: string): Effect.Effect<void> =>
  write(process.stdout, `${isJson ? JSON.stringify(json) : text}\n`)

/** Names and values, one a line. Those without a value are left out. */
export const table = (rows: ReadonlyArray<readonly [name: string, value: string | undefined]>): string => {
  const present = rows.filter(([, value]) => value !== undefined)
  const width = Math.max(...present.map(([name]) => displayWidth(name)))
  return present
    .map(([name, value]) => `${style("dim", name + " ".repeat(width - displayWidth(name)))}  ${value}`)
    .join("\n")
}

/** Writes bytes or text to the standard output as they are. */
export const raw = (text: string): Effect.Effect<void> => write(process.stdout, text)

/** Tells the user something beside the result, on the standard error. */
export const note = (text: Help): Effect.Effect<void> => write(process.stderr, `${say(text)}\n`)

/** Prints an error: as JSON to the standard output with `--json`, else to the standard error. */
export const printError = (json: unknown, text: string): Effect.Effect<void> => {
  if (isJson) return write(process.stdout, `${JSON.stringify({ error: json })}\n`)
  const [first = "", ...others] = text.split("\n")
  const head = hasColours(process.stderr) ? styleText("red", first, { validateStream: false }) : first
  return write(process.stderr, `${[head, ...others].join("\n")}\n`)
}
