/** What commands read: the standard input, and secrets that are not on the command line. */
import { shown, systemCalls } from "@qq-mini/core/adapter/shown"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { text } from "node:stream/consumers"
import { type Failure, wrongUsage } from "./exit.ts"
import { both } from "./invocation.ts"

/** All of the standard input. */
export const stdin = Effect.tryPromise({
  try: () => text(process.stdin),
  catch: (cause) => {
    const problem = shown(cause, systemCalls)
    return wrongUsage(both(`The standard input can't be read (${problem}).`, `无法读取标准输入（${problem}）。`))
  }
})

/** An argument, or the standard input for `-`, without the line break that echo adds. */
export const textOrStdin = (argument: string) =>
  argument === "-" ? Effect.map(stdin, (all) => all.replace(/\r?\n$/, "")) : Effect.succeed(argument)

/** The value of a JSON text. The error does not show the text. */
export const jsonOf = (text: string): Effect.Effect<unknown, Failure> =>
  Effect.try({
    try: (): unknown => JSON.parse(text),
    catch: () => wrongUsage(both("The input is not JSON.", "输入不是 JSON。"))
  })

/** The secret of a flag, or else of its variable. Fails if there is none. */
export const secretOf = (flag: Option.Option<Redacted.Redacted<string>>, name: string, variable: string) => {
  const value =
    Option.getOrUndefined(flag) ?? (process.env[variable] ? Redacted.make(process.env[variable]) : undefined)
  return value === undefined
    ? Effect.fail(wrongUsage(both(`--${name} is missing: set ${variable}.`, `缺少 --${name}：请设置 ${variable}。`)))
    : Effect.succeed(value)
}
