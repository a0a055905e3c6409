/** What `qq-mini doctor` does. */
import * as Effect from "effect/Effect"
import { endWith, exitCodes } from "../frame/exit.ts"
import { both, isJson, say } from "../frame/invocation.ts"
import { isTerminal, print, raw, style } from "../frame/output.ts"
import * as Settings from "../frame/Settings.ts"
import { examine } from "./examine.ts"
import { type Finding, hasProblem, labels, type Name, names, type State } from "./Finding.ts"
import type { Subject } from "./Subject.ts"

const states = {
  ok: ["green", "✔", both("ok", "正常")],
  warning: ["yellow", "!", both("warning", "警告")],
  problem: ["red", "✘", both("problem", "问题")],
  skipped: ["dim", "–", both("skipped", "跳过")]
} as const satisfies Record<State, unknown>

/** A finding as lines: a sign and a word for its state, so that colours are not needed. */
const linesOf = ({ mend, name, says, state }: Finding): string => {
  const [colour, sign, word] = states[state]
  const head = `${style(colour, `${sign} ${say(word)}`)} ${style("bold", say(labels[name]))}: ${say(says)}`
  return mend === undefined ? head : `${head}\n    → ${say(mend)}`
}

/** Draws how many checks have ended, and the first that has not. */
const progress = () => {
  const waiting = new Set<Name>(names)
  const draw = Effect.suspend(() => {
    const [first] = waiting
    if (first === undefined) return raw("\r\u001b[K")
    return raw(
      `\r\u001b[K${say(both("Checking", "正在检查"))} ${names.length - waiting.size}/${names.length}: ${say(labels[first])}`
    )
  })
  const report = (found: ReadonlyArray<Finding>) =>
    Effect.suspend(() => {
      for (const { name } of found) waiting.delete(name)
      return draw
    })
  return { draw, report }
}

const summary = (findings: ReadonlyArray<Finding>): string => {
  const count = (state: State) => findings.filter((finding) => finding.state === state).length
  const [problems, warnings] = [count("problem"), count("warning")]
  return problems + warnings === 0
    ? say(both("Nothing to mend.", "一切正常。"))
    : say(both(`${problems} to mend, ${warnings} to look at.`, `${problems} 个问题，${warnings} 个警告。`))
}

/** The settings of the environment alone, for when the others can't be read. */
const fromEnvironment = (): Settings.Settings => ({
  ...Settings.merge([{ values: process.env, nameOf: (name) => name }]),
  selected: undefined,
  options: {},
  file: undefined
})

/** Runs the command. */
export const run = Effect.fnUntraced(function* ({ fetch }: { readonly fetch: boolean }) {
  const rest = { environment: process.env, folder: process.cwd(), fetch }
  const subject = yield* Effect.match(Settings.read, {
    onFailure: (unread): Subject => ({ settings: fromEnvironment(), unread, ...rest }),
    onSuccess: (settings): Subject => ({ settings, ...rest })
  })
  const { draw, report } = progress()
  if (isTerminal) yield* draw
  const findings = yield* examine(subject, isTerminal ? report : undefined)
  const failed = hasProblem(findings)
  yield* print(
    { ok: !failed, platform: `${process.platform} ${process.arch}`, findings },
    isJson ? "" : [...findings.map(linesOf), "", summary(findings)].join("\n")
  )
  if (failed) yield* endWith(exitCodes.no)
})
