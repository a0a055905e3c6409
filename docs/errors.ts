/**
 * The pages on errors, from the tables that the client uses: the reasons, the codes of each call, and what to do. The
 * files are written by
 *
 *     node docs/errors.ts
 */
import { readFile, writeFile } from "node:fs/promises"
import { fileURLToPath } from "node:url"
import { fromCode } from "../packages/core/src/Code.ts"
import type { Any } from "../packages/core/src/Endpoint.ts"
import { groups } from "../packages/core/src/Endpoints.ts"
import * as QQError from "../packages/core/src/QQError.ts"
import { make } from "../packages/sandbox/openapi/document.ts"
import { type Language, languages } from "./pages.ts"
import { slugOf } from "./slug.ts"
import { answered, fieldsOfError, page, reasons } from "./words.ts"

type Tag = QQError.Reason["_tag"]
type Words = Readonly<Record<Language, string>>

/** The classes of the reasons. */
const classes: Readonly<Record<Tag, { readonly fields: object } & (new (fields: never) => { readonly help: Words })>> =
  QQError

const endpoints = Object.values(groups).flatMap((group) => Object.values<Any>(group))
const document = await make()

/** An entry of `x-codes` in the OpenAPI document. */
interface Entry {
  readonly code: number
  readonly reason: Tag
  readonly field?: string
  readonly meaning: Words
  readonly certainty: string
}

/** One meaning of a code. Without `calls` it is that for all calls that have no own. */
interface Meaning {
  readonly calls: Array<string>
  /** The reason, unless the code is no error. */
  readonly reason?: Tag
  readonly field?: string | undefined
  readonly text: Words
  readonly isOfOthers: boolean
}

const meanings = new Map<number, Array<Meaning>>()
const add = (code: number, call: string | undefined, meaning: Omit<Meaning, "calls">) => {
  const known = meanings.get(code) ?? []
  meanings.set(code, known)
  const same = known.find(
    ({ isOfOthers, reason, text }) =>
      reason === meaning.reason && text.en === meaning.text.en && isOfOthers === meaning.isOfOthers
  )
  if (same === undefined) known.push({ ...meaning, calls: call === undefined ? [] : [call] })
  else if (call !== undefined) same.calls.push(call)
}
for (const { name, resultCodes = [] } of endpoints) {
  for (const code of resultCodes) add(code, name, { text: page.noError, isOfOthers: false })
}
const addAll = (entries: unknown, call?: string) => {
  for (const { certainty, code, field, meaning, reason } of (entries ?? []) as ReadonlyArray<Entry>) {
    add(code, call, { reason, field, text: meaning, isOfOthers: certainty === "other-clients" })
  }
}
for (const methods of Object.values(document.paths)) {
  for (const operation of Object.values(methods)) addAll(operation["x-codes"], operation.operationId)
}
addAll(document["x-codes"])
const codes = [...meanings.keys()].toSorted((one, other) => Math.abs(one) - Math.abs(other))

const source = (
  await Promise.all(
    ["input", "error", "answered", "client"].map((name) =>
      readFile(new URL(`../packages/core/src/reason/${name}.ts`, import.meta.url), "utf8")
    )
  )
).join("\n")

const docstring = String.raw`\/\*\*((?:(?!\*\/)[\s\S])*)\*\/`

/** The text of a docstring, without lists. */
const textOf = (comment: string) =>
  comment
    .replace(/^\s*\* ?/gm, "")
    .trim()
    .split("\n\n")
    .filter((paragraph) => !paragraph.startsWith("- "))
    .map((paragraph) => paragraph.replaceAll("\n", " "))
    .join("\n\n")

/** The docstrings of a class or an interface, and of its fields. */
const documented = (name: string) => {
  const declaration = String.raw`${docstring}\nexport (?:class|interface) ${name}\b([\s\S]*?)(?:\n\}|\{\}$)`
  const [, comment, body] = new RegExp(declaration, "m").exec(source) ?? []
  if (comment === undefined) throw new Error(`${name} has no docstring`)
  const fields = body!.matchAll(new RegExp(String.raw`${docstring}\s+(?:readonly|get) (\w+)`, "g"))
  return { text: textOf(comment), fields: new Map(Array.from(fields, ([, field, name]) => [name!, textOf(field!)])) }
}

const problemFields = documented("FieldProblem").fields

const code = (name: string | number) => `\`${name}\``
const link = (text: string | number, anchor: string) => `[${text}](#${anchor})`
const listOf = (language: Language, texts: ReadonlyArray<string>) => texts.join(language === "en" ? ", " : "、")
const toReason = (tag: string) => link(tag, slugOf(tag))
const toCode = (number: number) => link(number, slugOf(`code ${number}`))
const withLinks = (text: string) => text.replace(/\{@link (\w+)\}/g, (_, tag: string) => toReason(tag))
const table = (rows: ReadonlyArray<ReadonlyArray<string>>) =>
  [rows[0]!, rows[0]!.map(() => "---"), ...rows.slice(1)].map((cells) => `| ${cells.join(" | ")} |`).join("\n")

const fieldsTable = (language: Language, names: ReadonlyArray<string>, of: (name: string) => string | undefined) =>
  table([
    [page.field[language], page.meaning[language]],
    ...names.map((name) => {
      const text = of(name)
      if (text === undefined) throw new Error(`the field ${name} has no words`)
      return [code(name), text]
    })
  ])

const wordsOf = (language: Language, tag: Tag) => withLinks(language === "en" ? documented(tag).text : reasons[tag].zh)

/** An error with this reason, as a call throws it. */
const exampleOf = (tag: Tag): QQError.QQError => {
  const { endpoint, example } = reasons[tag]
  const number = codes.find((code) => meanings.get(code)!.some(({ reason }) => reason === tag))
  const call = meanings.get(number!)?.find(({ reason }) => reason === tag)?.calls[0]
  const { codes: own, name } = endpoints.find(({ name }) => name === (call ?? "subscribeMessage.send"))!
  return new QQError.QQError({
    endpoint: endpoint ?? name,
    app: endpoint === undefined ? "1112345678" : undefined,
    reason: example ?? fromCode(own, number!, "")
  })
}

const retryOf = (language: Language, { isRetryable, reason, retryAfter }: QQError.QQError) => {
  if (!isRetryable) return page.no[language]
  if ("wait" in reason) return `${page.retryAfter[language]} ${code("wait")} ${page.millis[language]}`
  return retryAfter === undefined
    ? page.yes[language]
    : `${page.retryAfter[language]} ${retryAfter.toLocaleString("en")} ${page.millis[language]}`
}

const groupOf = (call: string) => call.split(".")[0]!

/** The names of calls. All calls of a group are `group.*`. */
const namesOf = (language: Language, calls: ReadonlyArray<string>) => {
  const isWhole = (group: string) => {
    const all = endpoints.filter(({ name }) => groupOf(name) === group)
    return all.length > 1 && all.every(({ name }) => calls.includes(name))
  }
  const names = calls.map((call) => (isWhole(groupOf(call)) ? `${groupOf(call)}.*` : call))
  return listOf(language, [...new Set(names)].map(code))
}

/** Details that only one reason has. */
const detailsOf = (language: Language, tag: Tag): ReadonlyArray<string> => {
  if (tag === "UserDataInvalid") {
    const problems = QQError.UserDataInvalid.fields.problem.literals
    const rows = problems.map((problem) => [code(problem), new QQError.UserDataInvalid({ problem }).help[language]])
    return [table([[code("problem"), page.meaningAndAdvice[language]], ...rows])]
  }
  if (tag === "OutcomeUnknown") {
    const unknown = Map.groupBy(endpoints, ({ ifUnknown }) => ifUnknown?.[language])
    const rows = Array.from(unknown, ([advice, calls]) => [
      namesOf(
        language,
        calls.map(({ name }) => name)
      ),
      advice ?? ""
    ]).filter(([, advice]) => advice)
    return [table([[page.call[language], page.advice[language]], ...rows])]
  }
  return []
}

const sectionOf = (language: Language, tag: Tag): string => {
  const error = exampleOf(tag)
  const { fields } = documented(tag)
  const { advice, example, fields: zh = {} } = reasons[tag]
  const own = codes.filter((code) => meanings.get(code)!.some(({ reason }) => reason === tag))
  const names = Object.keys(classes[tag].fields).filter((name) => example !== undefined || !(name in answered))
  const item = (label: Words, text: string) =>
    language === "en"
      ? `- **${label.en.replace(/^./, (letter) => letter.toUpperCase())}**: ${text}`
      : `- **${label.zh}**：${text}`
  const { help } = example ?? new classes[tag]({} as never)
  return [
    `### ${tag}`,
    wordsOf(language, tag),
    [
      item(page.advice, (advice ?? help)[language]),
      item(page.retryable, retryOf(language, error)),
      ...(own.length === 0 ? [] : [item(page.qqCodes, listOf(language, own.map(toCode)))])
    ].join("\n"),
    ...(names.length === 0
      ? []
      : [
          fieldsTable(language, names, (name) =>
            language === "en" ? (fields.get(name) ?? problemFields.get(name)) : zh[name]
          )
        ]),
    ...detailsOf(language, tag),
    `\`\`\`text\n${error.message}\n\`\`\``
  ].join("\n\n")
}

const meaningOf = (language: Language, { field, isOfOthers, text }: Meaning) =>
  [
    ...(field === undefined ? [] : [`${code(field)}${language === "en" ? ":" : "："}`]),
    text[language],
    ...(isOfOthers ? [page.byOthers[language]] : [])
  ].join(language === "en" ? " " : "")

const codeSection = (language: Language, number: number): string => {
  const rows = meanings.get(number)!
  return [
    // The address is the same in both languages.
    ...(language === "en" ? [] : [`<a id="${slugOf(`code ${number}`)}"></a>`]),
    `### ${page.code[language]} ${number}`,
    table([
      [page.call[language], page.reason[language], page.meaningAndAdvice[language]],
      ...rows.map((row) => [
        namesOf(language, row.calls) || (rows.length > 1 ? page.others : page.all)[language],
        row.reason === undefined ? "" : toReason(row.reason),
        meaningOf(language, row)
      ])
    ])
  ].join("\n\n")
}

const tags = Object.keys(reasons) as Array<Tag>

const pageOf = (language: Language): string =>
  [
    `# ${page.title[language]}`,
    page.other[language],
    page.introduction[language],
    table([
      [page.reason[language], page.meaning[language], page.retryable[language]],
      ...tags.map((tag) => [
        toReason(tag),
        /^.*?(?:\.(?= |$)|。)/m.exec(wordsOf(language, tag))![0],
        page[exampleOf(tag).isRetryable ? "yes" : "no"][language]
      ])
    ]),
    `## ${page.fields[language]}`,
    fieldsTable(language, Object.keys(fieldsOfError), (name) =>
      language === "en" ? documented("QQError").fields.get(name) : fieldsOfError[name]
    ),
    `## ${page.reasons[language]}`,
    page.aboutReasons[language],
    fieldsTable(language, Object.keys(answered), (name) =>
      language === "en" ? documented("Answered").fields.get(name) : answered[name]
    ),
    ...tags.map((tag) => sectionOf(language, tag)),
    `## ${page.codes[language]}`,
    page.aboutCodes[language],
    ...codes.map((number) => codeSection(language, number))
  ].join("\n\n") + "\n"

/** The pages by their files. */
export const pages = (Object.keys(languages) as Array<Language>).map((language) => ({
  file: fileURLToPath(new URL(`${languages[language]}errors.md`, import.meta.url)),
  text: pageOf(language)
}))

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const { file, text } of pages) await writeFile(file, text)
}
