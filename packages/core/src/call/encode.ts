/** Checks the caller's parameters and encodes them for the wire. */
import { isObject } from "effect/Predicate"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaAST from "effect/SchemaAST"
import type * as SchemaIssue from "effect/SchemaIssue"
import { type Any, credentialNames, optionNames } from "../endpoint/definition.ts"
import { exampleOf, givenAs, namesFor, unknownName } from "../internal/names.ts"
import { fieldsOf, notAnObject, type Problem, problemsOf } from "../internal/problem.ts"
import { type FieldProblem, type InvalidInput, invalidInput } from "../reason/input.ts"

/** The wire parameters of a call, checked. */
export type Wire = Readonly<Record<string, unknown>>

/** What a call takes: a part of its endpoint. */
export type Parameters = Pick<Any, "input" | "wire" | "otherNames">

interface Codec {
  readonly decode: (input: unknown) => Result.Result<unknown, Schema.SchemaError>
  /** `undefined` if the decoded parameters are sent as they are. They need no second check. */
  readonly encode: ((params: unknown) => Result.Result<unknown, Schema.SchemaError>) | undefined
}

const codecs = new WeakMap<Parameters, Codec>()
const codecOf = (endpoint: Parameters): Codec => {
  let codec = codecs.get(endpoint)
  if (codec === undefined) {
    codec = {
      decode: Schema.decodeUnknownResult(endpoint.input, {
        onExcessProperty: "error",
        errors: "all",
        // For the kind of a wrong value. The issue with the value does not leave this file.
        reportInput: true
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

/** Beside its own parameters, every call takes these. They are checked elsewhere. */
const ownOf = (input: Wire): Wire => {
  for (const name in input) {
    if (input[name] === undefined || Object.hasOwn(credentialNames, name)) {
      return Object.fromEntries(
        Object.entries(input).filter(([name, value]) => value !== undefined && !Object.hasOwn(credentialNames, name))
      )
    }
  }
  return input
}

/** All problems of the parameters, one for each field. A field that is there under another name is not missing. */
const fieldProblems = (endpoint: Parameters, issue: SchemaIssue.Issue): ReadonlyArray<FieldProblem> => {
  const found = problemsOf(issue).map((one) => ({ ...one, field: one.path.join(".") }))
  const problems = new Map<string, Pick<Problem, "what" | "isMissing">>()
  for (const one of found) if (one.known === undefined && !problems.has(one.field)) problems.set(one.field, one)
  let isListed = false
  for (const { field, known, path, what } of found) {
    if (known === undefined) continue
    const [name, above] = [path[path.length - 1]!, path.slice(0, -1)]
    const isTop = above.length === 0
    const names = { ...Object.fromEntries(known.map((one) => [one, []])), ...(isTop ? endpoint.otherNames : {}) }
    const right = namesFor(name, isTop ? { ...names, ...credentialNames } : names)
    const options = isTop && right.length === 0 ? namesFor(name, optionNames) : []
    const missing = right.find((one) => problems.get([...above, one].join("."))?.isMissing)
    if (missing !== undefined) {
      const at = [...above, missing].join(".")
      const [{ en, zh }, given] = [problems.get(at)!.what, givenAs(name, missing)]
      problems.set(at, { what: { en: en + given.en, zh: zh + given.zh }, isMissing: false })
    } else if (options.length > 0) {
      const en = `${what.en}: give ${options.join(" or ")} in the options, the second argument`
      const zh = `${what.zh}，请在第二个参数（选项）中写 ${options.join(" 或 ")}`
      problems.set(field, { what: { en, zh }, isMissing: false })
    } else {
      problems.set(field, { what: unknownName(what, right, isListed ? [] : known), isMissing: false })
      isListed ||= right.length === 0
    }
  }
  return Array.from(problems, ([field, { what }]) => ({ field: field || "input", problem: what }))
}

/** Returns the checked and decoded parameters (`params`), and the same encoded for the wire (`wire`). */
export const encode = (
  endpoint: Parameters,
  input: unknown
): Result.Result<{ readonly params: unknown; readonly wire: Wire }, InvalidInput> => {
  // I1: the error names the fields and the problems, never the values.
  const fail = ({ issue }: Schema.SchemaError) => Result.fail(invalidInput(fieldProblems(endpoint, issue)))
  if (!isObject(input)) {
    const { ast } = endpoint.input
    const names = fieldsOf(ast, true).length > 0 ? fieldsOf(ast, true) : fieldsOf(ast)
    return Result.fail(invalidInput([{ field: "input", problem: notAnObject(input, exampleOf(names)) }]))
  }
  const codec = codecOf(endpoint)
  const params = codec.decode(ownOf(input))
  if (Result.isFailure(params)) return fail(params.failure)
  if (codec.encode === undefined) return Result.succeed({ params: params.success, wire: params.success as Wire })
  const wire = codec.encode(params.success)
  return Result.isFailure(wire)
    ? fail(wire.failure)
    : Result.succeed({ params: params.success, wire: wire.success as Wire })
}
