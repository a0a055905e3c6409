/** Questions to the user before something that can't be undone. */
import type { Help } from "@qq-mini/core/QQError"
import * as Prompt from "effect/cli/Prompt"
import * as TerminalCapabilities from "effect/cli/TerminalCapabilities"
import * as Effect from "effect/Effect"
import { wrongUsage } from "./exit.ts"
import { both, isJson, say } from "./invocation.ts"

/**
 * Asks whether to go on, unless `yes` is set. Without a terminal nobody can answer, so `--yes` is required there, and with
 * `--json`.
 */
export const confirm = Effect.fnUntraced(function* (question: Help, yes: boolean) {
  if (yes) return true
  const { canPrompt } = yield* TerminalCapabilities.TerminalCapabilities
  if (!canPrompt || isJson) {
    return yield* wrongUsage(
      both(
        `${question.en} Nobody can be asked here: add --yes to confirm.`,
        `${question.zh}此处无法询问，请加 --yes 确认。`
      )
    )
  }
  return yield* Prompt.run(
    Prompt.Confirm({ message: say(question), label: { confirm: say(both("yes", "是")), deny: say(both("no", "否")) } })
  )
})
