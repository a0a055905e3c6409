/** The error reasons of what the caller gave: parameters and settings. */
import { type Help, reason } from "../internal/reason.ts"

/** The problem of one parameter. */
export interface FieldProblem {
  /** The path of the field, such as `data.keyword1.value`. */
  readonly field: string
  /** The problem, with the limit and the actual size where there is one. It never contains the value. */
  readonly problem: Help
}

// A message stays readable, also if a whole request was passed on.
const maxShown = 10

/**
 * A parameter is wrong. With `code`, QQ refused it. Without, the client refused it, and nothing was sent.
 *
 * `field` and `problem` are the first of `problems`. The message and `help` list all.
 */
export class InvalidInput
  extends /* @__PURE__ */ reason("InvalidInput", {
    en: "A parameter is not valid.",
    zh: "参数无效。"
  })<
    FieldProblem & {
      /** All problems of the call. */
      readonly problems: ReadonlyArray<FieldProblem>
      /** QQ's code, if QQ refused the parameter. */
      readonly code?: number
      /** QQ's own text, if QQ refused the parameter. */
      readonly text?: string
    }
  >
{
  /** `problems` is needed only if there are several. */
  constructor(
    fields: FieldProblem & {
      readonly problems?: ReadonlyArray<FieldProblem>
      readonly code?: number
      readonly text?: string
    }
  ) {
    const { field, problem, problems = [{ field, problem }] } = fields
    super({ ...fields, problems })
  }
  override get help(): Help {
    const { code, problems } = this
    const shown = problems.slice(0, maxShown)
    const others = problems.length - shown.length
    const more = others > 0 ? { en: ` (and ${others} more)`, zh: `（另有 ${others} 处）` } : { en: "", zh: "" }
    return {
      en: `${shown.map(({ field, problem }) => `${field}: ${problem.en}`).join("; ")}${more.en}.${code === undefined ? " Nothing was sent." : ""}`,
      zh: `${shown.map(({ field, problem }) => `${field}：${problem.zh}`).join("；")}${more.zh}。${code === undefined ? "未发送任何请求。" : ""}`
    }
  }
}

/** The error of all problems together. There must be one. */
export const invalidInput = (problems: ReadonlyArray<FieldProblem>): InvalidInput =>
  new InvalidInput({ ...problems[0]!, problems })

/** A setting is missing or wrong. Nothing was sent. */
export class InvalidConfig
  extends /* @__PURE__ */ reason("InvalidConfig", {
    en: "The configuration is not valid.",
    zh: "配置无效。"
  })<{
    /** The option or variable, such as `QQ_APPID`. */
    readonly setting: string
    /** The problem and how to fix it. It never contains the value. */
    readonly problem: Help
  }>
{
  override get help(): Help {
    return { en: `${this.setting}: ${this.problem.en}.`, zh: `${this.setting}：${this.problem.zh}。` }
  }
}
