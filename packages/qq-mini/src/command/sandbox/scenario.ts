/** The file of `--scenario`: options of the sandbox, and steps to begin with. */
import { shown, systemCalls } from "@qq-mini/core/adapter/shown"
import * as Effect from "effect/Effect"
import { isObject } from "effect/Predicate"
import { readFile } from "node:fs/promises"
import { type Failure, wrongUsage } from "../frame/exit.ts"
import { jsonOf } from "../frame/input.ts"
import { both } from "../frame/invocation.ts"

/** A step: the name of a method of the sandbox, and what it takes. */
export type Step = readonly [method: string, argument: Readonly<Record<string, unknown>>]

/** A scenario. */
export interface Scenario {
  readonly options: Readonly<Record<string, unknown>>
  readonly steps: ReadonlyArray<Step>
}

const wrongSteps = wrongUsage(
  both(
    'steps must be a list, as [{"login":{"user":"alice"}},{"subscribe":{"openid":"$alice"}}].',
    'steps 必须是列表，如 [{"login":{"user":"alice"}},{"subscribe":{"openid":"$alice"}}]。'
  )
)

const stepOf = (step: unknown): Step | undefined => {
  if (!isObject(step)) return undefined
  const [[method, argument] = [], ...more] = Object.entries(step)
  return method === undefined || more.length > 0 || !isObject(argument)
    ? undefined
    : [method, argument as Readonly<Record<string, unknown>>]
}

/** Reads a scenario. */
export const readScenario = Effect.fnUntraced(function* (path: string): Effect.fn.Return<Scenario, Failure> {
  const text = yield* Effect.tryPromise({
    try: () => readFile(path, "utf8"),
    catch: (cause) => {
      const problem = shown(cause, systemCalls)
      return wrongUsage(both(`${path} can't be read (${problem}).`, `无法读取 ${path}（${problem}）。`))
    }
  })
  const value = yield* jsonOf(text)
  if (!isObject(value)) return yield* wrongUsage(both(`${path} must be a JSON object.`, `${path} 必须是 JSON 对象。`))
  const { steps: given = [], ...options } = value as Readonly<Record<string, unknown>>
  const steps = Array.isArray(given) ? given.map(stepOf) : [undefined]
  if (!steps.every((step) => step !== undefined)) return yield* wrongSteps
  return { options, steps }
})

/** Puts the openids of users who logged in before in place of their names: `$alice`. */
export const withOpenids = (argument: Step[1], openids: ReadonlyMap<string, string>): Step[1] =>
  Object.fromEntries(
    Object.entries(argument).map(([name, value]) => [
      name,
      typeof value === "string" && value.startsWith("$") ? (openids.get(value.slice(1)) ?? value) : value
    ])
  )
