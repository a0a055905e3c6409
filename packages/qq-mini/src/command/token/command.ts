/** `qq-mini token` */
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import { both, say } from "../frame/invocation.ts"
import { settingsFlags } from "../frame/settingsFlags.ts"

/** The texts of the help. */
export const texts = {
  about: both("Show the access token that this store's clients use", "显示当前存储中的 access_token"),
  show: both("Show all of the token", "显示完整的 token"),
  refresh: both(
    "Fetch a new token. The old one stays valid for 5 minutes, also for those who don't share this store",
    "获取新的 token。旧 token 5 分钟后失效，包括未共用此存储的使用者"
  ),
  yes: both("Do not ask before --refresh", "使用 --refresh 时不询问"),
  example: both("Use it in a script", "在脚本中使用")
}

/** The flags of the command. */
export const flags = {
  show: Flag.Boolean("show").pipe(Flag.withDescription(say(texts.show)), Flag.withDefault(false)),
  refresh: Flag.Boolean("refresh").pipe(Flag.withDescription(say(texts.refresh)), Flag.withDefault(false)),
  yes: Flag.Boolean("yes").pipe(Flag.withAlias("y"), Flag.withDescription(say(texts.yes)), Flag.withDefault(false))
}

/** Shows or refreshes the token. */
export const command = Command.make("token", flags, (input) =>
  Effect.flatMap(
    Effect.promise(() => import("./run.ts")),
    ({ run }) => run(input)
  )
).pipe(
  Command.withDescription(say(texts.about)),
  Command.withExamples([
    { command: "qq-mini token --show --json | jq -r .access_token", description: say(texts.example) }
  ]),
  Command.withGlobalFlags(settingsFlags)
)
