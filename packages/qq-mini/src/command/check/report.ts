/** The results of a check, as texts and as JSON. */
import type { Verdict } from "@qq-mini/core/Moderation"
import { type Help, isQQError } from "@qq-mini/core/QQError"
import { describe, type ExitCode, exitCodes } from "../frame/exit.ts"
import { both, say } from "../frame/invocation.ts"
import { style } from "../frame/output.ts"
import { plain } from "../frame/plain.ts"
import { count } from "../frame/progress.ts"
import type { Item } from "./items.ts"

/** The texts of this file. */
export const texts = {
  passed: both("passed", "通过"),
  risky: both("risky", "违规"),
  failed: both("failed", "失败")
}

const styles = { passed: "green", risky: "red", failed: "yellow" } as const

type Failed = Extract<Verdict, { readonly verdict: "failed" }>

/** Why a content could not be checked. */
const whyOf = ({ error }: Failed): Help => {
  if (!isQQError(error)) return both(error.message, error.message)
  const { reason } = error
  return reason._tag === "InvalidInput" && reason.code === undefined ? reason.problem : reason.help
}

const nameOf = ({ file, line }: Item) => (line === undefined ? plain(file) : `${plain(file)}:${line}`)

// As wide as the widest of each language.
const words = {
  passed: say(texts.passed),
  risky: say(texts.risky).padEnd(say(texts.passed).length),
  failed: say(texts.failed)
}

/** One result as a line of the table. */
export const lineOf = (item: Item, verdict: Verdict): string => {
  const word = style(styles[verdict.verdict], words[verdict.verdict])
  const why = verdict.verdict === "failed" ? style("dim", `  ${say(whyOf(verdict))}`) : ""
  return `${word}  ${nameOf(item)}${why}`
}

/** One result as JSON. */
export const jsonOf = ({ file, line }: Item, verdict: Verdict): unknown =>
  verdict.verdict === "failed"
    ? { file, line, verdict: "failed", error: errorOf(verdict).json }
    : { file, line, verdict: verdict.verdict, isReused: verdict.isReused }

const errorOf = ({ error }: Failed) =>
  isQQError(error) ? describe(error) : { exit: exitCodes.fault, json: { reason: error._tag } }

/** The counts of a run. */
export class Tally {
  passed = 0
  risky = 0
  failed = 0
  reused = 0
  /** The exit code of the failures: the gravest. */
  #failure: ExitCode = exitCodes.ok

  /** Counts a verdict. */
  add(verdict: Verdict): void {
    this[verdict.verdict]++
    if (verdict.verdict === "failed") {
      const { exit } = errorOf(verdict)
      if (exit > this.#failure) this.#failure = exit
    } else if (verdict.isReused) this.reused++
  }

  get done(): number {
    return this.passed + this.risky + this.failed
  }

  /** C1: a content that could not be checked is graver than a risky one, which was found. */
  get exit(): ExitCode {
    return this.failed > 0 ? this.#failure : this.risky > 0 ? exitCodes.no : exitCodes.ok
  }

  /** The counts in words. */
  get text(): Help {
    const { done, failed, passed, reused, risky } = this
    return both(
      `${count(done)} in all: ${count(passed)} passed, ${count(risky)} risky, ${count(failed)} failed${reused === 0 ? "" : `; ${count(reused)} known from before`}`,
      `共 ${count(done)} 个：通过 ${count(passed)}，违规 ${count(risky)}，失败 ${count(failed)}${reused === 0 ? "" : `；其中 ${count(reused)} 个已有结果`}`
    )
  }

  /** The counts as JSON. */
  json(rest: { readonly leftOut: number; readonly isInterrupted: boolean }): unknown {
    const { done, exit, failed, passed, reused, risky } = this
    return { summary: { done, passed, risky, failed, reused, ...rest, exit: rest.isInterrupted ? 130 : exit } }
  }
}
