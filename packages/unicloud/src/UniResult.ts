/**
 * A `QQError` as the results that uniCloud's callers know: those of cloud objects, and those of vk.
 */
import { isQQError, type QQError } from "@qq-mini/core/QQError"

/** What a cloud object answers when something went wrong. */
export interface UniError {
  /** Always `qq-mini`. */
  readonly errSubject: string
  /** The reason by its name, as `qq-mini-not-subscribed`. */
  readonly errCode: string
  /** What happened and what to do, in Chinese. */
  readonly errMsg: string
}

/** What a function of vk answers: `code` is QQ's own, or -1 where QQ gave none. */
export interface VkError {
  readonly code: number
  readonly msg: string
}

/** QQ's own code of an error, where it gave one that is not 0. */
export const codeOf = ({ reason }: QQError): number | undefined =>
  "code" in reason && typeof reason.code === "number" ? reason.code : undefined

const kebab = (name: string) => name.replace(/(?<=[a-z])(?=[A-Z])/g, "-").toLowerCase()

const message = ({ help, reason }: QQError): string => {
  const code =
    "code" in reason && reason.code !== undefined ? `（QQ：${reason.code}${reason.text ? ` ${reason.text}` : ""}）` : ""
  return help.zh + code
}

/** For cloud objects: `{ errSubject, errCode, errMsg }`. What is not a `QQError` is thrown on. */
export const toUniError = (error: unknown): UniError => {
  if (!isQQError(error)) throw error
  return { errSubject: "qq-mini", errCode: `qq-mini-${kebab(error.reason._tag)}`, errMsg: message(error) }
}

/** For functions of vk: `{ code, msg }`. What is not a `QQError` is thrown on. */
export const toVkError = (error: unknown): VkError => {
  if (!isQQError(error)) throw error
  return { code: codeOf(error) ?? -1, msg: message(error) }
}
