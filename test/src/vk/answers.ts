/** What an answer is by QQ's documents, whatever a client makes of it. */
import { type Answer, isFault, type Exchanged, type Path, type Reply } from "./exchange.ts"
import { isWholeImage } from "./images.ts"

/** The JSON of an answer. `undefined` if it is none. */
export const jsonOf = ({ body }: Answer): any => {
  try {
    return JSON.parse(body.toString("utf8"))
  } catch {
    return undefined
  }
}

const fieldsOf = (answer: Answer): Readonly<Record<string, any>> | undefined => {
  const json = jsonOf(answer)
  return typeof json === "object" && json !== null && !Array.isArray(json) ? json : undefined
}

const integer = (value: unknown): number | undefined =>
  typeof value === "number" || (typeof value === "string" && /^-?\d+$/.test(value)) ? Number(value) : undefined

/** QQ's code in an answer, or that of a gateway, in `code` alone. `undefined` where there is none. */
export const codeOf = (answer: Answer): number | undefined => {
  const fields = fieldsOf(answer)
  return integer(fields?.["errcode"]) || integer(fields?.["errCode"]) || integer(fields?.["code"])
}

const isOk = ({ status = 200 }: Answer) => status >= 200 && status < 300

const isText = (value: unknown) => typeof value === "string" && value !== ""

/** Whether an answer is a success. A check passes by `errCode: 0` alone. */
const isSuccess = (path: Path, answer: Answer): boolean => {
  if (path === "code") return isWholeImage(answer.body)
  const fields = fieldsOf(answer)
  if (fields === undefined) return false
  switch (path) {
    case "token":
      return isText(fields["access_token"])
    case "session":
      return isText(fields["openid"])
    case "text":
    case "image":
      return fields["errCode"] === 0
    case "message":
      return fields["errcode"] === 0 || fields["errCode"] === 0
    default:
      return fields["errcode"] !== null
  }
}

/** What is wrong with an answer that is neither a success nor an error of QQ's. */
export const wrongOf = (
  path: Path,
  reply: Reply
): "emptyAnswer" | "notJson" | "noStatus" | "wrongStatus" | undefined => {
  if (isFault(reply) || codeOf(reply)) return undefined
  if (isSuccess(path, reply)) return isOk(reply) ? undefined : "wrongStatus"
  if (reply.body.length === 0) return "emptyAnswer"
  return jsonOf(reply) === undefined ? "notJson" : "noStatus"
}

/** Codes that mean, outside getToken, that the token is invalid. */
export const invalidToken: ReadonlySet<number | undefined> = new Set([40001, 40014, 42001])

/** Whether a second execution is visible or uses something up. */
const isOnce = ({ method, path }: Exchanged): boolean =>
  path === "code" || path === "message" || (path === "other" && method !== "GET")

/** Whether a request may be made again after its reply. */
export const mayRepeat = (request: Exchanged): boolean => {
  const { path, reply } = request
  if (isFault(reply)) return ["refused", "unknownHost", "connecting"].includes(reply) || !isOnce(request)
  return !isOnce(request) && (codeOf(reply) === -1 || wrongOf(path, reply) !== undefined)
}
