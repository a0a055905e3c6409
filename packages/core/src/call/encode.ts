/** Checks the caller's parameters and encodes them for the wire. */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaAST from "effect/SchemaAST"
import type { Any } from "../endpoint/definition.ts"
import { problemsOf } from "../internal/problem.ts"
import { InvalidInput } from "../reason/client.ts"

/** The wire parameters of a call, checked. */
export type Wire = Readonly<Record<string, unknown>>

interface Codec {
  readonly decode: (input: unknown) => Result.Result<unknown, Schema.SchemaError>
  /** `undefined` if the decoded parameters are sent as they are. They need no second check. */
  readonly encode: ((params: unknown) => Result.Result<unknown, Schema.SchemaError>) | undefined
}

const codecs = new WeakMap<Any, Codec>()
const codecOf = (endpoint: Any): Codec => {
  let codec = codecs.get(endpoint)
  if (codec === undefined) {
    codec = {
      decode: Schema.decodeUnknownResult(endpoint.input, {
        onExcessProperty: "error",
        errors: "all"
      }) as Codec["decode"],
      encode:
        SchemaAST.toEncoded(endpoint.wire.ast) === endpoint.wire.ast
          ? undefined
          : (Schema.encodeUnknownResult(endpoint.wire) as Codec["encode"])
    }
    codecs.set(endpoint, codec)
  }
  return codec
}

/** I1: the error names the field and the problem, never the value. */
const invalidInput = ({ issue }: Schema.SchemaError): InvalidInput => {
  const problems = problemsOf(issue)
  // For a misspelt field, the missing field is more helpful than the unknown one.
  const { path, what } = problems.find(({ isMissing }) => isMissing) ?? problems[0]!
  return new InvalidInput({ field: path.join(".") || "input", problem: what })
}

/** Removes fields whose value is `undefined`. */
const given = (input: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> => {
  for (const name in input) {
    if (input[name] === undefined) {
      return Object.fromEntries(Object.entries(input).filter(([, value]) => value !== undefined))
    }
  }
  return input
}

/** Returns the checked and decoded parameters (`params`), and the same encoded for the wire (`wire`). */
export const encode = (
  endpoint: Any,
  input: Readonly<Record<string, unknown>>
): Result.Result<{ readonly params: unknown; readonly wire: Wire }, InvalidInput> => {
  // I1
  const codec = codecOf(endpoint)
  const params = codec.decode(given(input))
  if (Result.isFailure(params)) return Result.fail(invalidInput(params.failure))
  if (codec.encode === undefined) return Result.succeed({ params: params.success, wire: params.success as Wire })
  const wire = codec.encode(params.success)
  return Result.isFailure(wire)
    ? Result.fail(invalidInput(wire.failure))
    : Result.succeed({ params: params.success, wire: wire.success as Wire })
}
