import * as Effect from "effect/Effect"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import type { AppCredentials } from "../App.ts"
import * as Body from "../Body.ts"
import type { Any } from "../Endpoint.ts"
import { InvalidInput } from "../QQError.ts"
import { both, split } from "./schema.ts"

/** The wire parameters of a call, checked. */
export type Wire = Readonly<Record<string, unknown>>

interface Codec {
  readonly decode: (input: unknown) => Result.Result<unknown, Schema.SchemaError>
  readonly encode: (params: unknown) => Result.Result<unknown, Schema.SchemaError>
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
      encode: Schema.encodeUnknownResult(endpoint.wire) as Codec["encode"]
    }
    codecs.set(endpoint, codec)
  }
  return codec
}

const missing = both("is required and missing", "缺少必填参数")

const format = SchemaIssue.makeFormatterStandardSchemaV1({
  leafHook: (issue) => {
    if (issue._tag === "MissingKey") return missing
    if (issue._tag === "UnexpectedKey") return both("is not a parameter of this call", "不是该接口的参数")
    return SchemaIssue.defaultLeafHook(issue)
  }
})

// the schema library's own words: the kinds of values, which have the same names in Chinese
const expected = (message: string): string => {
  const kind = /^Expected (.*?)( \| undefined)?$/.exec(message)?.[1]
  return kind === undefined ? message : both(`must be ${kind}`, `应为 ${kind}`)
}

/** Names the field and what is wrong with it, never the value. */
const invalidInput = (error: Schema.SchemaError): InvalidInput => {
  const { issues } = format(error.issue)
  // what is missing says more than the name that was written instead
  const issue = issues.find(({ message }) => message === missing) ?? issues[0]
  const path = (issue?.path ?? []).map((part) => String(typeof part === "object" ? part.key : part))
  return new InvalidInput({
    field: path.join(".") || "input",
    problem: split(expected(issue?.message ?? "is not valid"))
  })
}

/** Checks the caller's parameters (`params`) and brings them into the form that travels (`wire`). */
export const encode = (
  endpoint: Any,
  input: Readonly<Record<string, unknown>>
): Result.Result<{ readonly params: unknown; readonly wire: Wire }, InvalidInput> => {
  const codec = codecOf(endpoint)
  // a field that is undefined was not given
  const params = codec.decode(Object.fromEntries(Object.entries(input).filter(([, value]) => value !== undefined)))
  if (Result.isFailure(params)) return Result.fail(invalidInput(params.failure))
  const wire = codec.encode(params.success)
  return Result.isFailure(wire)
    ? Result.fail(invalidInput(wire.failure))
    : Result.succeed({ params: params.success, wire: wire.success as Wire })
}

/** The HTTP request of one attempt. Secrets are redacted in it until it is sent. */
export const build = Effect.fnUntraced(function* (
  endpoint: Any,
  options: {
    readonly baseUrl: string
    readonly wire: Wire
    readonly appid: string | undefined
    readonly authority: Redacted.Redacted<string> | AppCredentials | undefined
  }
): Effect.fn.Return<HttpClientRequest.HttpClientRequest> {
  const { authority, wire } = options
  const entries = Object.entries(wire).filter(([, value]) => value !== undefined)
  const query: Record<string, string | Redacted.Redacted<string>> = {}
  if (Redacted.isRedacted(authority)) query["access_token"] = authority
  else if (authority !== undefined) Object.assign(query, { appid: authority.appid, secret: authority.appsecret })
  const url = options.baseUrl.replace(/\/+$/, "") + endpoint.path
  if (endpoint.method === "GET") {
    for (const [name, value] of entries) {
      query[name] = endpoint.secrets?.includes(name) ? Redacted.make(String(value)) : String(value)
    }
    return HttpClientRequest.get(url, { urlParams: query })
  }
  const fields = endpoint.appid ? [["appid", options.appid] as const, ...entries] : entries
  const request = HttpClientRequest.post(url, { urlParams: query })
  return yield* (endpoint.body ?? Body.json)(request, fields)
})

/** What of a request must never be seen in a text: its token or secret, and the parameters that the endpoint names. */
export const secretsOf = (
  endpoint: Any,
  wire: Wire,
  authority: Redacted.Redacted<string> | AppCredentials | undefined
): ReadonlyArray<Redacted.Redacted<string>> => [
  ...(authority === undefined ? [] : [Redacted.isRedacted(authority) ? authority : authority.appsecret]),
  ...(endpoint.secrets ?? []).flatMap((name) => (wire[name] === undefined ? [] : [Redacted.make(String(wire[name]))]))
]
