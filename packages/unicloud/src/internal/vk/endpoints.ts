/** Endpoints that vk has and QQ's documents do not: the text check as a form, and a general request. */
import * as Body from "@qq-mini/core/Body"
import * as Endpoint from "@qq-mini/core/Endpoint"
import { msgSecCheck } from "@qq-mini/core/Security"
import * as Schema from "effect/Schema"
import type { Json } from "./input.ts"

/** The text check with its parameters as a form, where QQ's document asks for JSON. */
export const formTextCheck: Endpoint.Any = (() => {
  const { answers, authority, delivery, input, output, quota, wire } = msgSecCheck
  return Endpoint.post("security.msgSecCheck", "/api/json/security/MsgSecCheck", () => ({
    authority,
    input,
    wire,
    output,
    ...(answers === undefined ? {} : { answers }),
    ...(quota === undefined ? {} : { quota }),
    delivery,
    appid: true,
    body: Body.form
  }))
})()

/** A call by its URL. */
export interface VkRequest {
  /** A path, or a full URL, of which the path counts. */
  readonly url: string
  /** By default `POST`. */
  readonly method?: "GET" | "POST"
  /** The parameters. `access_token: true` adds the program's token. */
  readonly data?: Readonly<Record<string, any>>
  /** How a POST's data are encoded. By default `form`, as in vk. */
  readonly contentType?: "form" | "json"
  readonly appid?: string
  readonly appsecret?: string
}

const AnyJson = Schema.Record(Schema.String, Schema.Unknown)

/** The endpoint and the parameters of a call by its URL. */
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
    authority: access_token ? ("access_token" as const) : ("none" as const),
    input: AnyJson,
    wire: AnyJson,
    output: AnyJson
  }
  // QQ gets the appid only if it is among the data
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
