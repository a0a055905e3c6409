/**
 * Converts a `QQError` into the result formats of uniCloud: that of cloud objects, and that of vk.
 */
import { isQQError, type QQError } from "@qq-mini/core/QQError"

/** The error result of a cloud object. */
export interface UniError {
  /** Always `qq-mini`. */
  readonly errSubject: string
  /** The name of the reason, such as `qq-mini-not-subscribed`. */
  readonly errCode: string
  /** What happened and what to do, in Chinese. */
  readonly errMsg: string
}

/** The error result of a vk function. */
export interface VkError {
  /** QQ's code, or -1 if there is none. */
  readonly code: number
  /** What happened and what to do, in Chinese. */
  readonly msg: string
}

/** QQ's code of an error, or `undefined` if there is none. */
export const codeOf = ({ reason }: QQError): number | undefined =>
  "code" in reason && typeof reason.code === "number" ? reason.code : undefined

const kebab = (name: string) => name.replace(/(?<=[a-z])(?=[A-Z])/g, "-").toLowerCase()

const message = ({ help, reason }: QQError): string => {
  const code =
    "code" in reason && reason.code !== undefined ? `（QQ：${reason.code}${reason.text ? ` ${reason.text}` : ""}）` : ""
  return help.zh + code
}

/** Converts a `QQError` into the result of a cloud object, `{ errSubject, errCode, errMsg }`. Rethrows other errors. */
export const toUniError = (error: unknown): UniError => {
  if (!isQQError(error)) throw error
  return { errSubject: "qq-mini", errCode: `qq-mini-${kebab(error.reason._tag)}`, errMsg: message(error) }
}

/** Converts a `QQError` into the result of a vk function, `{ code, msg }`. Rethrows other errors. */
export const toVkError = (error: unknown): VkError => {
  if (!isQQError(error)) throw error
  return { code: codeOf(error) ?? -1, msg: message(error) }
}
