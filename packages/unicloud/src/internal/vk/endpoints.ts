/** Endpoints that only vk has: the text check as a form, and a call of any URL. */
import * as Body from "@qq-mini/core/Body"
import * as Endpoint from "@qq-mini/core/Endpoint"
import { msgSecCheck } from "@qq-mini/core/Security"
import * as Schema from "effect/Schema"
import type { Json } from "./input.ts"

/** The text check with its parameters as a form. QQ's document requires JSON. */
export const formTextCheck: Endpoint.Any = (() => {
  const { authorization, delivery, input, output, quota, resultCodes, wire } = msgSecCheck
  return Endpoint.post("security.msgSecCheck", "/api/json/security/MsgSecCheck", () => ({
    authorization,
    input,
    wire,
    output,
    ...(resultCodes === undefined ? {} : { resultCodes }),
    ...(quota === undefined ? {} : { quota }),
    delivery,
    appid: true,
    body: Body.form
  }))
})()

/** The parameters of `vk.openapi.qq.request`. */
export interface VkRequest {
  /** A path or a full URL. Only the path of a URL is used. */
  readonly url: string
  /** The HTTP method. By default `POST`. */
  readonly method?: "GET" | "POST"
  /** The parameters of the call. `access_token: true` adds the program's token. */
  readonly data?: Readonly<Record<string, any>>
  /** The encoding of a POST body. By default `form`, as in vk. */
  readonly contentType?: "form" | "json"
  /** The program of the call. By default the default program. */
  readonly appid?: string
  /** The AppSecret of `appid`, unless the program is configured. */
  readonly appsecret?: string
}

const AnyJson = Schema.Record(Schema.String, Schema.Unknown)

/** Makes the endpoint and the input for a call of a URL. */
export const requestOf = ({
  contentType = "form",
  data = {},
  method = "POST",
  url,
  ...app
}: VkRequest): { readonly endpoint: Endpoint.Any; readonly input: Json } => {
  const { access_token, appid = app.appid, appsecret = app.appsecret, ...rest }: Json = data
  const path = `/${String(url)
    .replace(/^https?:\/\/[^/]+/i, "")
    .replace(/^\/+/, "")}`
  const definition = {
    authorization: access_token ? ("access_token" as const) : ("none" as const),
    input: AnyJson,
    wire: AnyJson,
    output: AnyJson
  }
  // The appid is sent to QQ only if it is in the data.
  const sendsAppid = data["appid"] !== undefined
  const query = sendsAppid ? `${path.includes("?") ? "&" : "?"}appid=${encodeURIComponent(String(appid))}` : ""
  const endpoint: Endpoint.Any =
    method.toUpperCase() === "GET"
      ? Endpoint.get("request", path + query, () => ({ ...definition, delivery: "repeatable" }))
      : Endpoint.post("request", path, () => ({
          ...definition,
          delivery: "once",
          body: contentType === "json" ? Body.json : Body.form,
          appid: sendsAppid
        }))
  const token = typeof access_token === "string" ? { access_token } : {}
  return { endpoint, input: { ...rest, ...token, appid, appsecret } }
}
