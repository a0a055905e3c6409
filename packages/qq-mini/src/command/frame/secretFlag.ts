/** Flags for secrets that are no settings. */
import type { Help } from "@qq-mini/core/QQError"
import * as Flag from "effect/cli/Flag"
import { both, say } from "./invocation.ts"

/** A flag for a secret, which may also be in a variable. */
export const secretFlag = (name: string, variable: string, about: Help) =>
  Flag.Redacted(name).pipe(
    Flag.withDescription(
      say(
        both(
          `${about.en}; better in ${variable}, which other users can't see`,
          `${about.zh}；建议写在 ${variable} 中，他人无法看到`
        )
      )
    ),
    Flag.withMetavar("text"),
    Flag.optional
  )
