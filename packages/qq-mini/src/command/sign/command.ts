/** `qq-mini sign` and `qq-mini verify` */
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import { both, say } from "../frame/invocation.ts"
import { secretFlag } from "../frame/secretFlag.ts"
import { settingsFlags } from "../frame/settingsFlags.ts"

/** The texts of the help. */
export const texts = {
  sign: both("Sign as QQ or a client of QQ does", "按 QQ 的方式计算签名"),
  verify: both("Check a signature of QQ's: the exit code is 1 if it does not fit", "校验 QQ 的签名，不符时退出码为 1"),
  kind: both(
    "user-data: rawData of qq.getUserInfo; login-state: a body; game-pay, pay-notification, midas, midas-qq: parameters",
    "user-data：qq.getUserInfo 的 rawData；login-state：请求体；game-pay、pay-notification、midas、midas-qq：参数"
  ),
  input: both(
    "What is signed: the text, or the parameters as JSON or as a form; - reads it from the standard input",
    "被签名的内容：原文，或 JSON、表单格式的参数；- 表示从标准输入读取"
  ),
  path: both(
    "The path: of the call, of your address for notifications, or of Midas as /v3/r/mpay/pay_m",
    "路径：接口路径、接收通知的路径，或米大师的 /v3/r/mpay/pay_m"
  ),
  signature: both("The signature; that of a notification is in its parameters", "签名；支付通知的签名在参数中"),
  sessionKey: both("The user's session_key", "用户的 session_key"),
  appKey: both("The AppKey of the Midas offer", "米大师应用的 AppKey")
}

const input = Argument.String("input").pipe(Argument.withDescription(say(texts.input)))
const path = Flag.String("path").pipe(Flag.withMetavar("path"), Flag.withDescription(say(texts.path)), Flag.optional)
const session_key = secretFlag("session-key", "QQ_SESSION_KEY", texts.sessionKey)

/** The signatures that can be made. */
export const kinds = ["user-data", "login-state", "game-pay", "pay-notification", "midas", "midas-qq"] as const

/** Makes a signature. */
export const sign = Command.make(
  "sign",
  {
    kind: Argument.Literals("kind", kinds).pipe(Argument.withDescription(say(texts.kind))),
    input,
    path,
    session_key,
    app_key: secretFlag("app-key", "QQ_APP_KEY", texts.appKey)
  },
  (flags) =>
    Effect.flatMap(
      Effect.promise(() => import("./run.ts")),
      ({ sign }) => sign(flags)
    )
).pipe(Command.withDescription(say(texts.sign)), Command.withGlobalFlags(settingsFlags))

/** Checks a signature. */
export const verify = Command.make(
  "verify",
  {
    kind: Argument.Literals("kind", ["user-data", "login-state", "pay-notification"]).pipe(
      Argument.withDescription(say(texts.kind))
    ),
    input,
    path,
    signature: Flag.String("signature").pipe(
      Flag.withMetavar("text"),
      Flag.withDescription(say(texts.signature)),
      Flag.optional
    ),
    session_key
  },
  (flags) =>
    Effect.flatMap(
      Effect.promise(() => import("./run.ts")),
      ({ verify }) => verify(flags)
    )
).pipe(Command.withDescription(say(texts.verify)), Command.withGlobalFlags(settingsFlags))
