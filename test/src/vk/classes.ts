/** Classes of differences that nobody named, for whoever reads a failure: families instead of hundreds of lines. */
import { inspect } from "node:util"
import type { Case } from "./cases.ts"
import { isSame, type Read, type Result, type Seen } from "./compare.ts"

type Json = Readonly<Record<string, any>>

/** A class: how many cases show it, and the first of them. */
export interface Class {
  count: number
  /** The titles of some. */
  readonly titles: Array<string>
  /** What was expected and what came in the first one. */
  readonly example: string
}

const fieldsThatDiffer = (one: unknown, other: unknown): string => {
  if (typeof one !== "object" || typeof other !== "object" || one === null || other === null) return "value"
  const names = new Set([...Object.keys(one), ...Object.keys(other)])
  const [a, b] = [one as Json, other as Json]
  return [...names]
    .filter((name) => !isSame(a[name], b[name]))
    .map((name) => (name in a ? (name in b ? name : `-${name}`) : `+${name}`))
    .join(",")
}

const codeClass = ({ code, msg }: Json): string => {
  if (code === 0) return "code 0"
  if (code === -1) return `code -1 (${/^\w+(?=：)/.exec(msg)?.[0] ?? String(msg).slice(0, 12)})`
  return typeof code === "number" ? "code of QQ" : `code ${String(code)}`
}

const endingOf = (result: Result): string => {
  if ("buffer" in result) return "a Buffer"
  if ("thrown" in result) return `throws ${result.thrown}`
  if ("refused" in result) return "refused"
  if ("closed" in result) return "closed"
  const { value } = result as { value: any }
  return typeof value === "object" && value !== null ? codeClass(value) : typeof value
}

const namesOf = ({ requests }: Seen) => requests.map(({ path }) => path.split("/").at(-1)).join("+")

/** In what two outcomes differ, in few words: the name of a class. */
const classOf = (vk: Seen, ours: Seen): string => {
  const parts: Array<string> = []
  if (!isSame(vk.requests, ours.requests)) {
    const more = ours.requests.length - vk.requests.length
    if (ours.requests.length === 0) parts.push("sends nothing")
    else if (more !== 0) parts.push(`sends ${namesOf(ours)} for ${namesOf(vk) || "nothing"}`)
    else {
      const i = vk.requests.findIndex((request, i) => !isSame(request, ours.requests[i]))
      const [a, b] = [vk.requests[i]!, ours.requests[i]!]
      const fields = fieldsThatDiffer(a, b)
      const inBody = fields.includes("body")
        ? ` (${fieldsThatDiffer(Object.values(a.body ?? {})[0], Object.values(b.body ?? {})[0])})`
        : ""
      parts.push(`request: ${fields}${inBody}`)
    }
  }
  if (!isSame(vk.result, ours.result)) {
    const [a, b] = [endingOf(vk.result), endingOf(ours.result)]
    const fields =
      a === b
        ? `: ${fieldsThatDiffer((vk.result as any).value ?? vk.result, (ours.result as any).value ?? ours.result)}`
        : ` → ${b}`
    parts.push(`${a}${fields}`)
  }
  if (!isSame(vk.input, ours.input)) parts.push("the caller's object")
  return parts.join("; ")
}

const short = (_: string, value: unknown) =>
  typeof value === "string" && value.length > 60 ? `${value.slice(0, 20)}…` : value

const lineOf = ({ body, host, method, path, query }: Read) =>
  `${method} ${host.replace("https://api.q.qq.com", "")}${path} ${JSON.stringify(query)} ${JSON.stringify(body, short)}`

const brief = ({ requests, result }: Seen): string => {
  const end = inspect(result, { breakLength: Infinity, depth: 5, maxStringLength: 80 })
  return [...requests.map(lineOf), end].join(" ⏎ ").replaceAll("\n", " ").slice(0, 600)
}

/** What came of a case. */
export interface Made {
  readonly seen: ReadonlyArray<Seen>
  /** The valid tokens that are stored, by appid. */
  readonly stored: Readonly<Record<string, string>>
}

/**
 * Whether the stored tokens can be compared. Whether vk stores what `getAccessTokenFn` fetched is not known, and the
 * facade fetches none for a call that it refuses.
 */
const storesAreComparable = ({ calls, removed = false }: Case, { seen }: Made): boolean =>
  !removed && calls[0]!.name !== "auth.getAccessTokenFn" && seen.every(({ result }) => !("refused" in result))

/** Adds a case to its class, if what came of it is not what was expected. */
export const addDifference = (classes: Map<string, Class>, one: Case, expected: Made, ours: Made): void => {
  const { calls, title } = one
  const i = expected.seen.findIndex((seen, i) => !isSame(seen, ours.seen[i]))
  if (i < 0 && (isSame(expected.stored, ours.stored) || !storesAreComparable(one, expected))) return
  const [name, ...lines] =
    i < 0
      ? [`${calls[0]!.name} | the stored token`, inspect(expected.stored), inspect(ours.stored)]
      : [
          `${calls[i]!.name}${i === 0 ? "" : ` (${i + 1}.)`} | ${classOf(expected.seen[i]!, ours.seen[i]!)}`,
          brief(expected.seen[i]!),
          brief(ours.seen[i]!)
        ]
  const found = classes.get(name!)
  if (found !== undefined) {
    found.count++
    if (found.titles.length < 4) found.titles.push(title)
  } else {
    const example = `\n      expected: ${lines[0]}\n      ours:     ${lines[1]}`
    classes.set(name!, { count: 1, titles: [title], example })
  }
}

/** The table of the classes, the largest first. */
export const tableOf = (classes: ReadonlyMap<string, Class>): string => {
  const rows = [...classes].sort(([, one], [, other]) => other.count - one.count)
  const total = rows.reduce((sum, [, { count }]) => sum + count, 0)
  return [
    `${total} cases in ${rows.length} classes of differences that are not named:`,
    ...rows.map(
      ([name, { count, example, titles }]) =>
        `${String(count).padStart(5)}  ${name}\n      ${titles.join(" · ")}${example}`
    )
  ].join("\n")
}
