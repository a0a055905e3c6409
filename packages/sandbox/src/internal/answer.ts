import type * as Acode from "@qq-mini/core/Acode"
import type * as Endpoint from "@qq-mini/core/Endpoint"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Schema from "effect/Schema"
import type { Refusal } from "./refusal.ts"
import { signedHandlers } from "./signed.ts"
import type { Switches } from "./switches.ts"

const json = (
  body: unknown,
  { jsonType }: Switches,
  status = 200,
  replacer?: (name: string, value: unknown) => unknown
) => HttpServerResponse.text(JSON.stringify(body, replacer), { status, contentType: jsonType })

/** Writes integers in JSON as the switches say, except the code of an answer. */
export const integersAs =
  ({ integers, zeros }: Switches) =>
  (name: string, value: unknown): unknown => {
    if (typeof value !== "number" || name === "errcode") return value
    if (value === 0 && zeros === "leftOut") return undefined
    return integers === "strings" ? String(value) : value
  }

const xml = (fields: Readonly<Record<string, string>>) => {
  const inside = Object.entries(fields).map(([name, text]) => `<${name}><![CDATA[${text}]]></${name}>`)
  return HttpServerResponse.text(`<xml>${inside.join("")}</xml>`, { contentType: "text/xml" })
}

/** QQ's answer to a call that succeeded. */
export const answerOf = (
  endpoint: Endpoint.Any,
  output: unknown,
  switches: Switches
): HttpServerResponse.HttpServerResponse => {
  if (endpoint.image) {
    const { bytes, mediaType } = output as Acode.Image
    return HttpServerResponse.uint8Array(bytes, { contentType: mediaType })
  }
  const body = Schema.encodeUnknownSync(endpoint.output as Schema.Codec<unknown, any>)(output)
  switch (endpoint.name) {
    case "auth.getAccessToken":
      return json(switches.tokenErrcode ? { ...body, errcode: 0 } : body, switches)
    case "auth.code2Session":
      return json({ ...body, errcode: 0, errmsg: "", uin: "" }, switches)
    case "wxPayProxy.unifiedOrder":
      return xml(body)
    default:
      return Object.hasOwn(signedHandlers, endpoint.name)
        ? json({ errcode: 0, errmsg: "ok", ...body }, switches, 200, integersAs(switches))
        : json(body, switches)
  }
}

/** QQ's answer to a refused call. */
export const refusalOf = (
  endpoint: Endpoint.Any,
  { code, text }: Refusal,
  switches: Switches
): HttpServerResponse.HttpServerResponse =>
  json(
    endpoint.resultCodes === undefined ? { errcode: code, errmsg: text } : { errCode: code, errMsg: text },
    switches,
    switches.errorStatus
  )

/** The answer to a path that is not a call. */
export const notFound: HttpServerResponse.HttpServerResponse = HttpServerResponse.text(
  "<html><body>404 Not Found</body></html>",
  { status: 404, contentType: "text/html" }
)

/** The answer if the sandbox itself fails. */
export const systemError: HttpServerResponse.HttpServerResponse = HttpServerResponse.text(
  '{"errcode":-1,"errmsg":"system error"}',
  { status: 500 }
)
