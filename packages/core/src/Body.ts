/**
 * Encodings of a POST body. Each encoding is a separate value, so a bundle contains only those that its calls use.
 */
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import { escape } from "./internal/escape.ts"

/** The parameters of a request by their wire names, in order. Parameters that are `undefined` are not sent. */
export type Parameters = Readonly<Record<string, unknown>>

const given = (parameters: Parameters) => Object.entries(parameters).filter(([, value]) => value !== undefined)

/** An encoded body with its content type. */
export interface Packed {
  /** The value of the header `Content-Type`. */
  readonly contentType: string
  /** The encoded body. It may be in pieces, which are sent one after the other, so that a large file is not copied. */
  readonly body: string | ReadonlyArray<Uint8Array>
}

/** A function that encodes the parameters of a request as a body. */
export type Body = (parameters: Parameters) => Effect.Effect<Packed>

/** Encodes a body as JSON. QQ requires this unless its document says otherwise. */
export const json: Body = (parameters) =>
  Effect.succeed({ contentType: "application/json", body: JSON.stringify(parameters) })

/** Encodes a body as `application/x-www-form-urlencoded`, which QQ's content checks also accept. */
export const form: Body = (parameters) => {
  const pairs = given(parameters).map(([name, value]) => `${escape(name)}=${escape(String(value))}`)
  return Effect.succeed({ contentType: "application/x-www-form-urlencoded", body: pairs.join("&") })
}

/** A file in a multipart body. */
export interface FilePart {
  /** The content of the file. */
  readonly bytes: Uint8Array
  /** The media type, such as `image/png`. It also determines the file's extension. */
  readonly mediaType: string
}

const isFilePart = (value: unknown): value is FilePart =>
  typeof value === "object" && value !== null && "bytes" in value && "mediaType" in value

const encoder = new TextEncoder()
const extensions: Readonly<Record<string, string>> = { "image/png": "png", "image/jpeg": "jpg", "image/gif": "gif" }

// FormData can't be used: Node 16 lacks it, and QQ requires a content length and an ASCII file name.
const pack = (parameters: Parameters, boundary: string): ReadonlyArray<Uint8Array> => {
  const parts: Array<Uint8Array> = []
  for (const [name, value] of given(parameters)) {
    const head = `--${boundary}\r\nContent-Disposition: form-data; name="${name}"`
    if (isFilePart(value)) {
      const file = `${name}.${extensions[value.mediaType] ?? "bin"}`
      parts.push(encoder.encode(`${head}; filename="${file}"\r\nContent-Type: ${value.mediaType}\r\n\r\n`), value.bytes)
    } else {
      parts.push(encoder.encode(`${head}\r\n\r\n${String(value)}`))
    }
    parts.push(encoder.encode("\r\n"))
  }
  parts.push(encoder.encode(`--${boundary}--\r\n`))
  return parts
}

/** Encodes a body as `multipart/form-data`. A parameter that is a {@link FilePart} becomes a file. */
export const multipart: Body = /* @__PURE__ */ Effect.fnUntraced(function* (parameters) {
  let boundary = "qq-mini-"
  for (let i = 0; i < 4; i++) boundary += (yield* Random.nextIntBetween(0, 2 ** 31)).toString(36)
  return { contentType: `multipart/form-data; boundary=${boundary}`, body: pack(parameters, boundary) }
})
