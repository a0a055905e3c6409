/**
 * QQ's error codes: the error reason and the meaning of each, in English and Chinese.
 */
import { InvalidAppId, InvalidToken, Rejected, SystemBusy, TooFrequent } from "./reason/answered.ts"
import type * as answered from "./reason/answered.ts"
import { InvalidInput, QuotaReached, type Reason } from "./reason/client.ts"
import type { Help } from "./internal/reason.ts"

/** One of QQ's error codes with its reason. `help` is set if the code means more than the reason's own help says. */
export interface Code {
  /** QQ's number. */
  readonly code: number
  /** The class of the error reason. */
  readonly reason: (typeof answered)[keyof typeof answered] | typeof QuotaReached | typeof InvalidInput
  /** The meaning of the code, in English and Chinese. */
  readonly help?: Help
  /** The field at fault, for `InvalidInput`. */
  readonly field?: string
  /** Whether the code is about one user, and so says nothing about calls for other users. */
  readonly ofUser?: boolean
}

/**
 * QQ's error codes that mean the same for every call. They come from QQ's documents, captured answers and the code of
 * other clients. The codes of a single call are defined with its endpoint, and take precedence over these.
 */
export const codes: ReadonlyArray<Code> = [
  { code: -1, reason: SystemBusy },
  { code: 40001, reason: InvalidToken },
  { code: 40013, reason: InvalidAppId },
  { code: 40014, reason: InvalidToken },
  {
    code: 40035,
    reason: InvalidInput,
    field: "parameters",
    help: { en: "QQ does not accept one of them; its text may say which.", zh: "参数错误，请参考返回的说明。" }
  },
  { code: 42001, reason: InvalidToken },
  { code: 45009, reason: QuotaReached },
  { code: 45011, reason: TooFrequent, ofUser: true },
  {
    code: 87014,
    reason: Rejected,
    help: { en: "The content is risky.", zh: "内容含有违法违规信息。" }
  }
]

/** The entry of a code in the endpoint's own list, or else in {@link codes}. */
export const entryOf = (own: ReadonlyArray<Code> | undefined, code: number): Code | undefined => {
  const is = (entry: Code) => entry.code === code
  return own?.find(is) ?? codes.find(is)
}

/** The error reason for one of QQ's codes. `own` are the codes of the endpoint. `text` must contain no secrets. */
export const fromCode = (own: ReadonlyArray<Code> | undefined, code: number, text: string): Reason => {
  const { field = "parameters", help, reason }: Code = entryOf(own, code) ?? { code, reason: Rejected }
  if (reason !== InvalidInput) {
    const Answered = reason as Exclude<typeof reason, typeof InvalidInput>
    return new Answered({ code, text, ...(help === undefined ? {} : { meaning: help }) })
  }
  const { en, zh } = help ?? { en: "is refused", zh: "被拒绝" }
  return new InvalidInput({
    field,
    problem: { en: en.replace(/\.$/, ""), zh: zh.replace(/。$/, "") },
    code,
    text
  })
}
