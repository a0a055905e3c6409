/** The message of one recipient: from a row of the source to checked parameters. */
import { isObject } from "effect/Predicate"
import * as Result from "effect/Result"
import { encode } from "../call/encode.ts"
import type { Help } from "../internal/reason.ts"
import type { FieldProblem } from "../reason/input.ts"
import { send } from "../SubscribeMessage.ts"

/** The parameters of `subscribeMessage.send`. */
export type Message = (typeof send)["input"]["Encoded"]

/** A message whose values are all texts. It can be written as JSON. */
export type CheckedMessage = (typeof send)["input"]["Type"]

const sharedNames = ["template_id", "page", "emphasis_keyword", "oac_appid", "use_robot"] as const

/** What all messages of a broadcast share. A row's own values come first. */
export type Shared = { readonly [Name in (typeof sharedNames)[number]]?: Message[Name] | undefined }

/** A message of one recipient. What all messages share may be missing. */
export type RecipientMessage = Omit<Message, keyof Shared> & Shared

/** The shared parameters in the options of a broadcast. */
export const sharedIn = (options: Shared): Shared =>
  Object.fromEntries(sharedNames.flatMap((name) => (options[name] === undefined ? [] : [[name, options[name]]])))

const keywordsIn = (row: Readonly<Record<string, unknown>>): unknown => {
  const keywords = Object.entries(row).filter(([name]) => /^keyword\d+$/.test(name))
  return keywords.length === 0 ? undefined : Object.fromEntries(keywords.map(([name, value]) => [name, { value }]))
}

/**
 * The message of a row by the names of its fields: `openid` or `touser`, `data` or `keyword1`, `keyword2` …, and the
 * shared parameters if the row has its own. Empty cells of a table count as missing.
 */
export const messageOf = (row: unknown, shared: Shared): unknown => {
  if (!isObject(row)) return row
  const fields = row as Readonly<Record<string, unknown>>
  const { data = keywordsIn(fields), openid, touser = openid } = fields
  const own = sharedNames.flatMap((name) =>
    fields[name] === undefined || fields[name] === "" ? [] : [[name, fields[name]]]
  )
  return { ...shared, ...Object.fromEntries(own), touser: touser === "" ? undefined : touser, data }
}

// QQ documents no limit for a value. Its messages show some tens of characters, so more is a broken row.
const maxValueLength = 1_000
// QQ's openids have 32 characters.
const maxOpenidLength = 128

const tooLong = (max: number, length: number): Help => ({
  en: `may have at most ${max} characters, not ${length}`,
  zh: `最多 ${max} 个字符，当前为 ${length} 个`
})

// A store may not tell texts apart that have other characters, such as half of an emoji.
const isOpenid = (text: string): boolean => /^[!-~]+$/.test(text)
const notAnOpenid: Help = {
  en: "must be an openid: Latin letters and digits, without spaces",
  zh: "必须是 openid：由英文字母和数字组成，不含空格"
}

const textProblems = ({ data, touser }: CheckedMessage): ReadonlyArray<FieldProblem> => {
  const problems = Object.entries(data).flatMap(([name, { value }]): ReadonlyArray<FieldProblem> =>
    value.length > maxValueLength
      ? [{ field: `data.${name}.value`, problem: tooLong(maxValueLength, value.length) }]
      : []
  )
  const isLong = touser.length > maxOpenidLength
  return isLong || !isOpenid(touser)
    ? [{ field: "touser", problem: isLong ? tooLong(maxOpenidLength, touser.length) : notAnOpenid }, ...problems]
    : problems
}

/** Checks a message as the call does, its recipient, and that no text is too long. The problems contain no value. */
export const check = (message: unknown): Result.Result<CheckedMessage, ReadonlyArray<FieldProblem>> => {
  const encoded = encode(send, message)
  if (Result.isFailure(encoded)) return Result.fail(encoded.failure.problems)
  const params = encoded.success.params as CheckedMessage
  const problems = textProblems(params)
  return problems.length === 0 ? Result.succeed(params) : Result.fail(problems)
}

/** What is wrong with what all messages share. It would be wrong in every row. */
export const problemsOfShared = (shared: Shared): ReadonlyArray<FieldProblem> => {
  const checked = check({ template_id: "x", ...shared, touser: "x", data: { keyword1: { value: "x" } } })
  return Result.isFailure(checked) ? checked.failure : []
}
