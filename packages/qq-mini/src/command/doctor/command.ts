/** `qq-mini doctor` */
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import { both, say } from "../frame/invocation.ts"
import { settingsFlags } from "../frame/settingsFlags.ts"

/** The texts of the help. */
export const texts = {
  about: both(
    "Check the set-up: settings, network, clock, store, secret and versions, and say how to mend it",
    "检查环境：配置、网络、时钟、存储、密钥与版本，并说明如何修复"
  ),
  fetch: both(
    "Ask QQ for a new token even if there is one. The old one then ends within 5 minutes",
    "即使已有 token 也向 QQ 获取新的；旧 token 随后在 5 分钟内失效"
  ),
  example: both("A report for support, without secrets", "供技术支持使用的报告，不含密钥")
}

/** The flags of the command. */
export const flags = {
  fetch: Flag.Boolean("fetch").pipe(Flag.withDescription(say(texts.fetch)), Flag.withDefault(false))
}

/** Checks the set-up. */
export const command = Command.make("doctor", flags, (input) =>
  Effect.flatMap(
    Effect.promise(() => import("./run.ts")),
    ({ run }) => run(input)
  )
).pipe(
  Command.withDescription(say(texts.about)),
  Command.withExamples([{ command: "qq-mini doctor --json > report.json", description: say(texts.example) }]),
  Command.withGlobalFlags(settingsFlags)
)
