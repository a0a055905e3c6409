/**
 * QQ's codes: the reason that each becomes, and what it means, in English and Chinese.
 */
import { InvalidAppId, InvalidToken, Rejected, SystemBusy, TooFrequent } from "./reason/answered.ts"
import type * as answered from "./reason/answered.ts"
import { InvalidInput, QuotaReached, type Reason } from "./reason/client.ts"
import type { Help } from "./internal/reason.ts"

/** One of QQ's codes: the reason it becomes, and, where the reason does not say it all, what it means. */
export interface Code {
  readonly code: number
  readonly reason: (typeof answered)[keyof typeof answered] | typeof QuotaReached | typeof InvalidInput
  readonly help?: Help
  /** The field at fault, for `InvalidInput`. */
  readonly field?: string
}

/**
 * QQ's codes that mean the same at every call, as its documents, captures and other clients' code give them. Those of one
 * call stand with its endpoint, and go before these.
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
  { code: 45011, reason: TooFrequent },
  {
    code: 87014,
    reason: Rejected,
    help: { en: "The content is risky.", zh: "内容含有违法违规信息。" }
  }
]

/** The reason for a code that QQ answered, at an endpoint with these codes of its own. `text` must be free of secrets. */
export const fromCode = (own: ReadonlyArray<Code> | undefined, code: number, text: string): Reason => {
  const is = (entry: Code) => entry.code === code
  const { field = "parameters", help, reason }: Code = own?.find(is) ?? codes.find(is) ?? { code, reason: Rejected }
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
