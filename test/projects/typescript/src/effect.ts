import type { QQError } from "@qq-mini/core/QQError"
import type { QQMini } from "@qq-mini/core/QQMini"
import * as Security from "@qq-mini/core/Security"
import * as NodeQQMini from "@qq-mini/node/NodeQQMini"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"

/** The same as an Effect: its type says what it needs, and how it fails. */
const check = (content: string): Effect.Effect<string, QQError, QQMini> =>
  Security.msgSecCheck({ content }).pipe(
    Effect.map(({ risky }) => (risky ? "risky" : "passed")),
    Effect.catchReason("QQError", "InvalidInput", ({ field, help }) => Effect.succeed(`${field}: ${help.zh}`))
  )

await Effect.forEach(process.argv.slice(2), check).pipe(
  Effect.flatMap(Effect.forEach((verdict) => Console.log(verdict))),
  Effect.provide(NodeQQMini.layerConfig),
  Effect.runPromise
)
