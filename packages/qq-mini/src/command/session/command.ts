/** `qq-mini session` */
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import { both, say } from "../frame/invocation.ts"
import { settingsFlags } from "../frame/settingsFlags.ts"

/** The texts of the help. */
export const texts = {
  about: both("Turn a code of qq.login into the user's openid", "用 qq.login 的 code 换取用户的 openid"),
  code: both(
    "The code: it works once, within 5 minutes; - reads it from the standard input",
    "code：5 分钟内有效，仅可使用一次；- 表示从标准输入读取"
  ),
  show: both("Show all of the session_key", "显示完整的 session_key")
}

/** Logs a user in. */
export const command = Command.make(
  "session",
  {
    code: Argument.String("code").pipe(Argument.withDescription(say(texts.code))),
    show: Flag.Boolean("show").pipe(Flag.withDescription(say(texts.show)), Flag.withDefault(false))
  },
  (input) =>
    Effect.flatMap(
      Effect.promise(() => import("./run.ts")),
      ({ run }) => run(input)
    )
).pipe(Command.withDescription(say(texts.about)), Command.withGlobalFlags(settingsFlags))
