/** Which texts may be published. */
import type { QQError } from "@qq-mini/core/QQError"
import { QQMini } from "@qq-mini/core/QQMini"
import * as Security from "@qq-mini/core/Security"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

export class Moderation extends Context.Service<
  Moderation,
  {
    /** The texts that QQ passes. Fails if one can't be checked: then none of them is published. */
    readonly passed: (texts: ReadonlyArray<string>) => Effect.Effect<ReadonlyArray<string>, QQError>
  }
>()("app/Moderation") {}

export const layer = Layer.effect(
  Moderation,
  Effect.gen(function* () {
    const qq = yield* QQMini
    const passes = (content: string) =>
      Security.msgSecCheck({ content }).pipe(
        Effect.map(({ risky }) => !risky),
        Effect.provideService(QQMini, qq)
      )
    return { passed: (texts) => Effect.filter(texts, passes, { concurrency: 4 }) }
  })
)
