/** Describes the problems that a schema finds in a value, in English and Chinese. The value is never shown. */
import * as SchemaAST from "effect/SchemaAST"
import type * as SchemaIssue from "effect/SchemaIssue"
import type { Help } from "./reason.ts"

/** One problem. */
export interface Problem {
  /** The path of the field. */
  readonly path: ReadonlyArray<string>
  /** The description. */
  readonly what: Help
  /** Whether the field is required and missing. */
  readonly isMissing: boolean
  /** If the field is not known: the names that are. */
  readonly known?: ReadonlyArray<string>
}

/** Joins an English and a Chinese message into one string, because a schema's `message` annotation is one string. */
export const both = (en: string, zh: string): string => `${en}\n${zh}`

const invalid: Help = { en: "is not valid", zh: "取值无效" }

const parseMessage = (message: unknown): Help | undefined => {
  if (typeof message !== "string") return undefined
  const [en = "", zh = invalid.zh] = message.split("\n")
  return { en, zh }
}

const kinds = {
  String: { en: "a string", zh: "字符串" },
  Number: { en: "a number", zh: "数字" },
  Boolean: { en: "a boolean", zh: "布尔值" },
  BigInt: { en: "a bigint", zh: "大整数" },
  Objects: { en: "an object", zh: "对象" },
  Arrays: { en: "an array", zh: "数组" }
} satisfies Readonly<Record<string, Help>>

const kindsByType: Readonly<Record<string, Help>> = {
  string: kinds.String,
  number: kinds.Number,
  boolean: kinds.Boolean,
  bigint: kinds.BigInt,
  object: kinds.Objects,
  function: { en: "a function", zh: "函数" },
  symbol: { en: "a symbol", zh: "符号" }
}

const kindOf = (value: unknown): Help => {
  if (Array.isArray(value)) return kinds.Arrays
  if (value instanceof Uint8Array) return { en: "bytes", zh: "字节数据" }
  return kindsByType[value === null ? "null" : typeof value] ?? { en: String(value), zh: ` ${String(value)}` }
}

/** Adds to what is expected what a value is instead, and what to do about mistakes that are usual. */
const butIs = ({ en, zh }: Help, value: unknown, accepted: ReadonlyArray<Help>): Help => {
  if (accepted.includes(kinds.Objects) && typeof value === "string" && /^\s*[[{]/.test(value)) {
    return { en: `${en}, not its JSON: give the object itself`, zh: `${zh}，不能是 JSON 字符串，请直接传入对象` }
  }
  if (accepted.includes(kinds.String) && value instanceof Date) {
    return {
      en: `${en}, not a Date: write it as its reader should see it, in their time zone`,
      zh: `${zh}，不能是日期对象，请按用户所在时区写成文字`
    }
  }
  const kind = kindOf(value)
  return accepted.includes(kind) ? { en, zh } : { en: `${en}, not ${kind.en}`, zh: `${zh}，不能是${kind.zh}` }
}

/** The problem of a value that must be an object. `example` shows one. */
export const notAnObject = (value: unknown, example: string): Help =>
  butIs({ en: `must be an object, as ${example}`, zh: `必须是对象，如 ${example}` }, value, [kinds.Objects])

/** The kinds of values that a schema accepts. */
const kindsOf = (ast: SchemaAST.AST): ReadonlyArray<Help | undefined> =>
  ast._tag === "Union"
    ? ast.types.filter(({ _tag }) => _tag !== "Undefined").flatMap(kindsOf)
    : [(kinds as Readonly<Record<string, Help>>)[ast._tag]]

/** The schema's own message for a value of a wrong kind. Without one, the kinds of values that the schema accepts. */
const expected = (ast: SchemaAST.AST): Help => {
  const own = ast._tag === "Union" ? ast.types.map((one) => one.annotations?.["message"]).find(Boolean) : undefined
  const words = parseMessage(ast.annotations?.["message"] ?? own)
  if (words !== undefined) return words
  const all = kindsOf(ast)
  const known = all.filter((kind) => kind !== undefined)
  return all.length === 0 || known.length < all.length
    ? invalid
    : { en: `must be ${known.map(({ en }) => en).join(" or ")}`, zh: `必须是${known.map(({ zh }) => zh).join("或")}` }
}

/** The problem of a value of a wrong kind. What it is instead is said if the schema accepts whole kinds of values. */
const wrongKind = (issue: SchemaIssue.InvalidType | SchemaIssue.AnyOf): Help => {
  const accepted = kindsOf(issue.ast).filter((kind) => kind !== undefined)
  const isWhole = accepted.length > 0 && accepted.length === kindsOf(issue.ast).length
  return isWhole && "input" in issue ? butIs(expected(issue.ast), issue.input, accepted) : expected(issue.ast)
}

const leaf = (issue: SchemaIssue.Issue): Help => {
  switch (issue._tag) {
    case "MissingKey":
      return { en: "is required and missing", zh: "缺少必填参数" }
    case "UnexpectedKey":
      return { en: "is not a parameter of this call", zh: "不是该接口的参数" }
    case "InvalidType":
    case "AnyOf":
      return wrongKind(issue)
    default:
      return parseMessage("annotations" in issue ? issue.annotations?.["message"] : undefined) ?? invalid
  }
}

/** The fields of an object by its schema. With `required`, only those that may not be missing. */
export const fieldsOf = (schema: SchemaAST.AST, required = false): ReadonlyArray<string> => {
  const ast = SchemaAST.toEncoded(schema)
  return ast._tag === "Objects"
    ? ast.propertySignatures
        .filter(({ type }) => !required || !SchemaAST.isOptional(type))
        .map(({ name }) => String(name))
    : []
}

/**
 * All problems, in the order in which the schema found them. What a value is instead of what it must be is said if the
 * schema reports its input.
 */
export const problemsOf = (issue: SchemaIssue.Issue, path: ReadonlyArray<string> = []): ReadonlyArray<Problem> => {
  if (issue._tag === "Encoding") return problemsOf(issue.issue, path)
  if (issue._tag === "Pointer") return problemsOf(issue.issue, [...path, ...issue.path.map(String)])
  if (issue._tag === "Filter") {
    const what = parseMessage(issue.filter.annotations?.["message"])
    return what === undefined ? problemsOf(issue.issue, path) : [{ path, what, isMissing: false }]
  }
  if ("issues" in issue && issue.issues.length > 0) {
    const inside = issue.issues.flatMap((one) => problemsOf(one, path))
    // A union may say more than its members.
    if (issue._tag !== "AnyOf" || inside.some(({ what }) => what !== invalid)) return inside
  }
  const problem = { path, what: leaf(issue), isMissing: issue._tag === "MissingKey" }
  return issue._tag === "UnexpectedKey" ? [{ ...problem, known: fieldsOf(issue.ast) }] : [problem]
}
