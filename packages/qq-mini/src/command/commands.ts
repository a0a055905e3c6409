/** The commands. Each is defined in its own folder, and loads what it does only when it runs. */
import * as Command from "effect/cli/Command"
import { commonFlags } from "./frame/help.ts"
import { both, say } from "./frame/invocation.ts"
import { command as check } from "./check/command.ts"
import { command as decrypt } from "./decrypt/command.ts"
import { command as doctor } from "./doctor/command.ts"
import { command as minicode } from "./minicode/command.ts"
import { command as sandbox, logs, trigger } from "./sandbox/command.ts"
import { command as session } from "./session/command.ts"
import { command as send } from "./send/command.ts"
import { sign, verify } from "./sign/command.ts"
import { command as token } from "./token/command.ts"

/** The texts of the help. */
export const texts = {
  about: both("The server API of QQ mini programs, on the command line", "QQ 小程序服务端接口的命令行工具")
}

/** The command with all others below it. */
export const root = Command.make("qq-mini").pipe(
  Command.withDescription(say(texts.about)),
  Command.withGlobalFlags(commonFlags),
  Command.withSubcommands([
    token,
    session,
    minicode,
    check,
    send,
    decrypt,
    sign,
    verify,
    doctor,
    sandbox,
    trigger,
    logs
  ])
)
