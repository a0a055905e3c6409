/** `qq-mini decrypt` */
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import { secretFlag } from "../frame/secretFlag.ts"
import { both, say } from "../frame/invocation.ts"
import { settingsFlags } from "../frame/settingsFlags.ts"

/** The texts of the help. */
export const texts = {
  about: both("Decrypt what qq.getUserInfo and others return", "解密 qq.getUserInfo 等接口返回的数据"),
  input: both(
    "- reads a JSON object with encryptedData, iv, session_key and perhaps appid, rawData, signature from the standard input",
    "- 表示从标准输入读取 JSON 对象，含 encryptedData、iv、session_key，可含 appid、rawData、signature"
  ),
  encryptedData: both("The encryptedData of the mini program", "小程序端得到的 encryptedData"),
  iv: both("The iv beside it", "与其一起得到的 iv"),
  sessionKey: both("The user's session_key", "用户的 session_key"),
  rawData: both("The rawData, to check its signature first", "rawData，先校验其签名"),
  signature: both("The signature of rawData", "rawData 的签名")
}

const text = (name: string, about: string) =>
  Flag.String(name).pipe(Flag.withDescription(about), Flag.withMetavar("text"), Flag.optional)

/** Decrypts open data. */
export const command = Command.make(
  "decrypt",
  {
    input: Argument.Literals("input", ["-"]).pipe(Argument.withDescription(say(texts.input)), Argument.optional),
    encryptedData: text("encrypted-data", say(texts.encryptedData)),
    iv: text("iv", say(texts.iv)),
    session_key: secretFlag("session-key", "QQ_SESSION_KEY", texts.sessionKey),
    rawData: text("raw-data", say(texts.rawData)),
    signature: text("signature", say(texts.signature))
  },
  (input) =>
    Effect.flatMap(
      Effect.promise(() => import("./run.ts")),
      ({ run }) => run(input)
    )
).pipe(Command.withDescription(say(texts.about)), Command.withGlobalFlags(settingsFlags))
