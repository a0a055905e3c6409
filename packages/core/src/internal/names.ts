/** Finds the right name for a wrong one: of a parameter, an option or a field. */
import { isObject } from "effect/Predicate"
import type { Help } from "./reason.ts"

/** Names, each with the names that people write instead because other clients have them: `{ attempts: ["retries"] }`. */
export type Names = Readonly<Record<string, ReadonlyArray<string>>>

/** The fields of a program. */
export const programNames = { appid: [], appsecret: ["secret"] } satisfies Names

const plain = (name: string): string => name.replace(/[_-]/g, "").toLowerCase()

/** Whether one text becomes the other by at most `edits` letters that are added, left out, replaced or swapped. */
const isNear = (a: string, b: string, edits: number): boolean => {
  if (Math.abs(a.length - b.length) > edits) return false
  let same = 0
  while (same < a.length && a[same] === b[same]) same++
  const [x, y] = [a.slice(same), b.slice(same)]
  if (x === y) return true
  if (edits === 0) return false
  return (
    isNear(x.slice(1), y.slice(1), edits - 1) ||
    isNear(x.slice(1), y, edits - 1) ||
    isNear(x, y.slice(1), edits - 1) ||
    (x[0] === y[1] && x[1] === y[0] && isNear(x.slice(2), y.slice(2), edits - 1))
  )
}

/** The names that may be meant by a wrong one. */
export const namesFor = (wrong: string, names: Names): ReadonlyArray<string> => {
  const word = plain(wrong)
  const all = Object.entries(names)
  const found = all.filter(([name, others]) => [name, ...others].some((one) => plain(one) === word))
  // In a short word, two letters make another word.
  for (let edits = 1; found.length === 0 && edits <= (word.length > 4 ? 2 : 1); edits++) {
    found.push(...all.filter(([name]) => isNear(word, plain(name), edits)))
  }
  return found.map(([name]) => name)
}

/** What to add to the problem of a field that is missing, if it is there under another name. */
export const givenAs = (wrong: string, right: string): Help => ({
  en: ` (${wrong} is given: write ${right})`,
  zh: `（传入的是 ${wrong}，应写作 ${right}）`
})

/** The fields that an object has under another name only, each with its problem. */
export const misnamedIn = (object: unknown, names: Names): ReadonlyArray<readonly [field: string, problem: Help]> =>
  Object.entries(isObject(object) ? names : {}).flatMap(([right, others]) => {
    const wrong = Object.keys(object as object).find((name) => namesFor(name, { [right]: others }).length > 0)
    if (right in (object as object) || wrong === undefined) return []
    const { en, zh } = givenAs(wrong, right)
    return [[right, { en: `is missing${en}`, zh: `缺失${zh}` }] as const]
  })

/** The problem of a name that is not known: `right` are the names that may be meant, `all` those that are known. */
export const unknownName = ({ en, zh }: Help, right: ReadonlyArray<string>, all: ReadonlyArray<string>): Help => {
  if (right.length > 0) return { en: `${en}: write ${right.join(" or ")}`, zh: `${zh}，应写作 ${right.join(" 或 ")}` }
  return all.length === 0
    ? { en, zh }
    : { en: `${en} (known: ${all.join(", ")})`, zh: `${zh}（可用：${all.join("、")}）` }
}

/** The names in an object that are not known, each with its problem. `what` says what they are not. */
export const unknownNames = (
  object: object,
  names: Names,
  what: Help
): ReadonlyArray<readonly [name: string, problem: Help]> => {
  const wrong = Object.keys(object).filter((name) => !Object.hasOwn(names, name))
  const all = Object.keys(names)
  let isListed = false
  return wrong.map((name) => {
    const right = namesFor(name, names)
    const known = isListed || right.length > 0 ? [] : all
    isListed ||= known.length > 0
    return [name, unknownName(what, right, known)]
  })
}

/** An object with these names, to show what is expected. */
export const exampleOf = (names: ReadonlyArray<string>): string => `{ ${names.map((name) => `${name}: …`).join(", ")} }`
