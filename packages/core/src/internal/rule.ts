/**
 * Rules for what people write into options and files: a predicate, and what is said in English and Chinese of values that
 * break it. The values themselves are never shown.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { InvalidConfig } from "../reason/client.ts"
import { QQError } from "../reason/error.ts"
import { both, problemsOf } from "./problem.ts"

/** A {@link QQError} that names a setting and says what is wrong with it, in English and Chinese. */
export const invalidConfig = (setting: string, en: string, zh: string): QQError =>
  new QQError({
    endpoint: "configuration",
    app: undefined,
    reason: new InvalidConfig({ setting, problem: { en, zh } })
  })

/** The schema of the values for which `is` holds. */
export const rule = <A>(is: (u: unknown) => u is A, en: string, zh: string): Schema.declare<A> =>
  Schema.declare(is, { message: both(en, zh) })

/** Checks values by a struct of rules. The first field that breaks its rule is called in the error as `settingOf` says. */
export const checker = <A, I>(
  schema: Schema.Codec<A, I>
): ((input: unknown, settingOf: (field: string) => string) => Effect.Effect<A, QQError>) => {
  const decode = Schema.decodeUnknownResult(schema)
  return (input, settingOf) => {
    const result = decode(input)
    if (Result.isSuccess(result)) return Effect.succeed(result.success)
    const { path, what } = problemsOf(result.failure.issue)[0]!
    return Effect.fail(invalidConfig(settingOf(String(path[0])), what.en, what.zh))
  }
}
