/** Where the token is kept, in words. */
import { defaultStorePath } from "@qq-mini/node/NodeQQMini"
import * as Effect from "effect/Effect"
import { both, say } from "./invocation.ts"
import type { Settings } from "./Settings.ts"

/** The store of the settings, without the password of an address. */
export const nameOfStore = ({ values }: Settings): Effect.Effect<string> => {
  const name = values.QQ_STORE ?? "sqlite"
  if (name === "memory") {
    return Effect.succeed(say(both("memory: it ends with this command", "内存：随此命令结束而消失")))
  }
  if (name !== "sqlite") return Effect.succeed(name.replace(/\/\/[^/]*@/, "//…@"))
  return Effect.orElseSucceed(
    Effect.map(defaultStorePath, (path) => `sqlite:${path}`),
    () => name
  )
}
