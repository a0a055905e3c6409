/**
 * An Effect program. The layer comes once, at the end; the program and its errors stay as they are.
 *
 *     QQ_APPID=… QQ_APPSECRET=… node src/effect.ts "the text to check"
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Security from "@qq-mini/core/Security"
import * as NodeQQMini from "@qq-mini/node/NodeQQMini"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"

const program = Effect.gen(function* () {
  const content = process.argv[2] ?? "你好"
  const { risky } = yield* Security.msgSecCheck({ content })
  yield* Console.log(risky ? "risky" : "passed")
}).pipe(
  // what to do about it, in English and Chinese
  Effect.catchTag("QQError", (error) =>
    Effect.sync(() => {
      console.error(error.message)
      process.exitCode = 1
    })
  ),
  Effect.provide(NodeQQMini.layerConfig)
)

NodeRuntime.runMain(program)
