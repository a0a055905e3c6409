/** Describes the problems that a schema finds in a value, in English and Chinese. The value is never shown. */
import type * as SchemaAST from "effect/SchemaAST"
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
}

/** Joins an English and a Chinese message into one string, because a schema's `message` annotation is one string. */
export const both = (en: string, zh: string): string => `${en}\n${zh}`

const invalid: Help = { en: "is not valid", zh: "取值无效" }

const parseMessage = (message: unknown): Help | undefined => {
  if (typeof message !== "string") return undefined
  const [en = "", zh = invalid.zh] = message.split("\n")
  return { en, zh }
}

const kinds: Readonly<Record<string, Help>> = {
  String: { en: "a string", zh: "字符串" },
  Number: { en: "a number", zh: "数字" },
  Boolean: { en: "a boolean", zh: "布尔值" },
  Objects: { en: "an object", zh: "对象" },
  Arrays: { en: "an array", zh: "数组" }
}

/** The kinds of values that a schema accepts. */
const kindsOf = (ast: SchemaAST.AST): ReadonlyArray<Help | undefined> =>
  ast._tag === "Union" ? ast.types.filter(({ _tag }) => _tag !== "Undefined").flatMap(kindsOf) : [kinds[ast._tag]]

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

const leaf = (issue: SchemaIssue.Issue): Help => {
  switch (issue._tag) {
    case "MissingKey":
      return { en: "is required and missing", zh: "缺少必填参数" }
    case "UnexpectedKey":
      return { en: "is not a parameter of this call", zh: "不是该接口的参数" }
    case "InvalidType":
    case "AnyOf":
      return expected(issue.ast)
    default:
      return parseMessage("annotations" in issue ? issue.annotations?.["message"] : undefined) ?? invalid
  }
}

/** All problems, in the order in which the schema found them. */
export const problemsOf = (issue: SchemaIssue.Issue, path: ReadonlyArray<string> = []): ReadonlyArray<Problem> => {
  if (issue._tag === "Encoding") return problemsOf(issue.issue, path)
  if (issue._tag === "Pointer") return problemsOf(issue.issue, [...path, ...issue.path.map(String)])
  if (issue._tag === "Filter") {
    const what = parseMessage(issue.filter.annotations?.["message"])
    return what === undefined ? problemsOf(issue.issue, path) : [{ path, what, isMissing: false }]
  }
  return "issues" in issue && issue.issues.length > 0
    ? issue.issues.flatMap((one) => problemsOf(one, path))
    : [{ path, what: leaf(issue), isMissing: issue._tag === "MissingKey" }]
}
