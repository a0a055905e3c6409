/** Converts the parameters of vk's callers into those of our calls. */
import type { Any } from "@qq-mini/core/Endpoint"

/** An object of unknown content. */
export type Json = Readonly<Record<string, any>>

/** The parameters of a call in the style of vk: its own, and the program and the token. */
export interface VkInput {
  readonly appid?: string
  readonly appsecret?: string
  readonly access_token?: string
  readonly [parameter: string]: any
}

/** Converters for calls whose parameters have other names in vk than in QQ's documents. */
const renamed: Readonly<Record<string, (input: Json) => Json>> = {
  "security.imgSecCheck": ({ base64, buffer, media, ...rest }) => ({ ...rest, media: media ?? base64 ?? buffer }),
  "acode.getMiniCode": ({ page, path, ...rest }) => ({ ...rest, path: path ?? page }),
  "auth.code2Session": ({ code, js_code, ...rest }) => ({ ...rest, code: code ?? js_code, needKey: true })
}

/**
 * Returns the endpoint's own parameters with the program and the token. Other parameters are dropped, because vk's
 * callers may pass parameters that QQ ignores.
 */
export const parametersOf = (endpoint: Any, given: Json): Json => {
  const { access_token, ...input } = renamed[endpoint.name]?.(given) ?? given
  const { fields: own = input } = endpoint.input as { readonly fields?: object }
  const fields = [...Object.keys(own), "appid", "appsecret"]
  const known = Object.fromEntries(
    fields.filter((name) => input[name] !== undefined).map((name) => [name, input[name]])
  )
  return typeof access_token === "string" && access_token !== "" ? { ...known, access_token } : known
}
