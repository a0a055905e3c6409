/**
 * Rules for options and configuration files: a predicate, with an error message in English and Chinese. The values are
 * never shown.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { InvalidConfig } from "../reason/client.ts"
import { QQError } from "../reason/error.ts"
import { both, problemsOf } from "./problem.ts"

/** Makes a {@link QQError} about a wrong setting, with the problem in English and Chinese. */
export const invalidConfig = (setting: string, en: string, zh: string): QQError =>
  new QQError({
    endpoint: "configuration",
    app: undefined,
    reason: new InvalidConfig({ setting, problem: { en, zh } })
  })

/** Makes a schema from a predicate, with an error message in English and Chinese. */
export const rule = <A>(is: (u: unknown) => u is A, en: string, zh: string): Schema.declare<A> =>
  Schema.declare(is, { message: both(en, zh) })

/**
 * Makes a function that checks values with a struct of rules. It fails for the first field that breaks its rule.
 * `settingOf` gives the name of the field for the error.
 */
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
