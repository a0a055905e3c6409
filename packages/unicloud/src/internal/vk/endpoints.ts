/** QQ's calls as vk sends them, and with the switches of `compat`. */
import * as Body from "@qq-mini/core/Body"
import * as Endpoint from "@qq-mini/core/Endpoint"
import { imgSecCheck, msgSecCheck } from "@qq-mini/core/Security"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Switches } from "./differences.ts"
import type { Encoded } from "./picture.ts"

/** Parameters that are sent as they are. */
export const AnyJson = Schema.Record(Schema.String, Schema.Unknown)

const utf8 = (bytes: Uint8Array, length: number) => Buffer.from(bytes.subarray(0, length)).toString("latin1")

/** A form that the caller has encoded. The appid is put before it, unless it has one. */
const encoded = (form: Uint8Array, appid: unknown): Body.Packed => {
  const boundary = /^(?:\r\n)?--(.{1,70})\r\n/.exec(utf8(form, 80))?.[1] ?? ""
  const part = `--${boundary}\r\nContent-Disposition: form-data; name="appid"\r\n\r\n${String(appid)}\r\n`
  return {
    contentType: `multipart/form-data; boundary=${boundary}`,
    body: /name="?appid"?[\r;]/.test(utf8(form, form.length)) ? [form] : [Buffer.from(part), form]
  }
}

const isEncoded = (media: unknown): media is Encoded => typeof media === "object" && media !== null && "form" in media

// The media has been read already, so that QQ and not we decide about its pixels.
const multipart: Body.Body = ({ media, ...rest }) =>
  isEncoded(media) ? Effect.succeed(encoded(media.form, rest["appid"])) : Body.multipart({ ...rest, media })

/** Makes the function that gives the endpoint of a call for these switches. */
export const make = ({ formTextCheck, sendOverQuota, sendUnchecked }: Switches) => {
  const made = new Map<Endpoint.Any, Endpoint.Any>()
  const change = (endpoint: Endpoint.Any): Endpoint.Any => {
    const isImage = endpoint === imgSecCheck
    const changes: Partial<Endpoint.Any> = {
      ...(isImage || (sendUnchecked && endpoint.authorization === "access_token" && endpoint.compose === undefined)
        ? { input: AnyJson, wire: AnyJson }
        : {}),
      ...(isImage ? { body: multipart } : {}),
      ...(formTextCheck && endpoint === msgSecCheck ? { body: Body.form } : {}),
      ...(sendOverQuota ? { quota: [] } : {})
    }
    if (Object.keys(changes).length === 0) return endpoint
    const method = endpoint.method === "GET" ? Endpoint.get : Endpoint.post
    return method(endpoint.name, endpoint.path, () => ({ ...endpoint, ...changes }))
  }
  return (endpoint: Endpoint.Any): Endpoint.Any => {
    let changed = made.get(endpoint)
    if (changed === undefined) made.set(endpoint, (changed = change(endpoint)))
    return changed
  }
}
