/** The error reasons of what the caller gave: parameters, settings, and data of the mini program. */
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

/** Why the data of a mini program is not accepted. See {@link UserDataInvalid}. */
export type UserDataProblem = "format" | "signature" | "key" | "tampered" | "appid" | "age" | "kind"

const userDataHelp: Readonly<Record<UserDataProblem, Help>> = {
  format: {
    en: "This is not what QQ returns. encryptedData and iv are base64, signature is hexadecimal digits, rawData is JSON. Pass all on as the mini program got them.",
    zh: "不是 QQ 返回的格式。encryptedData 与 iv 为 base64，signature 为十六进制，rawData 为 JSON。请原样传递小程序端得到的内容。"
  },
  signature: {
    en: "The signature does not fit rawData. Either rawData was changed, or the session key belongs to another login: each qq.login makes a new one. Pass rawData on unchanged, and use the key of the latest login.",
    zh: "signature 与 rawData 不符：rawData 被改动，或 session_key 不属于同一次登录（每次 qq.login 都会更换）。请原样传递 rawData，并使用最近一次登录的 session_key。"
  },
  key: {
    en: "The data can't be decrypted. Usually the session key belongs to another login, because each qq.login makes a new one: log in first, then get the data, and decrypt it with the key of that login. Data that was changed looks the same.",
    zh: "无法解密。通常是 session_key 与数据不属于同一次登录（每次 qq.login 都会更换）：请先登录，再获取数据，并用该次登录的 session_key 解密。数据被改动时也会出现此错误。"
  },
  tampered: {
    en: "The data can't be decrypted, although the signature proves that the session key is right. encryptedData or iv was changed. Do not trust this request.",
    zh: "无法解密，而 signature 证明 session_key 正确：encryptedData 或 iv 被改动。请勿信任该请求。"
  },
  appid: {
    en: "The data is of another mini program. Check that the appid is the one of the program that got the data. If it is, do not trust this request.",
    zh: "数据属于其他小程序。请检查 appid 是否为获取数据的小程序；若无误，请勿信任该请求。"
  },
  age: {
    en: "The data is older than maxAge allows. Get it again in the mini program.",
    zh: "数据的时间超出 maxAge 的限制。请在小程序端重新获取。"
  },
  kind: {
    en: "The data is of another kind. userInfo is for qq.getUserInfo, phoneNumber for a button with getPhoneNumber, shareInfo for qq.getShareInfo, and decrypt for any.",
    zh: "数据的种类不符。userInfo 用于 qq.getUserInfo，phoneNumber 用于 getPhoneNumber 按钮，shareInfo 用于 qq.getShareInfo，decrypt 用于任何数据。"
  }
}

/**
 * The data that a mini program sent is not accepted. It contains nothing of the data.
 *
 * - `format`: not the form in which QQ returns it. `field` names the part.
 * - `signature`: `rawData` was changed, or the session key belongs to another login.
 * - `key`: it can't be decrypted. The session key belongs to another login, or the data was changed.
 * - `tampered`: it can't be decrypted, and the signature proves that the session key is right.
 * - `appid`: it is of another mini program.
 * - `age`: it is older than `maxAge` allows.
 * - `kind`: it is of another kind, such as user info in place of a phone number.
 */
export class UserDataInvalid
  extends /* @__PURE__ */ reason("UserDataInvalid", {
    en: "The data of the mini program is not valid.",
    zh: "小程序端传来的数据无效。"
  })<{
    /** What is wrong. */
    readonly problem: UserDataProblem
    /** The part that is wrong, such as `iv`, if it is one. */
    readonly field?: string
  }>
{
  override get help(): Help {
    const { en, zh } = userDataHelp[this.problem]
    return this.field === undefined ? { en, zh } : { en: `${this.field}: ${en}`, zh: `${this.field}：${zh}` }
  }
}
