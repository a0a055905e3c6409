/** Reads the image of a check from all forms in which vk's callers give it. */
import * as Images from "@qq-mini/core/adapter/images"
import type { FilePart } from "@qq-mini/core/Body"
import type { Text } from "./differences.ts"
import { types } from "node:util"
import type { Json } from "./json.ts"
import type { Switches } from "./differences.ts"

/** A whole form that the caller has encoded. */
export interface Encoded {
  readonly form: Uint8Array
}

/** An image that QQ would refuse. `tooLarge` if QQ's answer to it is known. */
export class Refused {
  readonly problem: Text
  readonly tooLarge: boolean
  constructor(en: string, zh: string, tooLarge = false) {
    this.problem = { en, zh }
    this.tooLarge = tooLarge
  }
}

/** The image of a check as it is sent, or why it is not. */
export type Picture = FilePart | Encoded | Refused

const maxBytes = 1024 * 1024

const ofBase64 = (text: string, lenient: boolean): Uint8Array | undefined => {
  const plain = text.replace(/^\s*data:[^,]*,/i, "").replace(/\s+/g, "")
  return lenient || /^[\w+/-]*={0,2}$/.test(plain) ? Buffer.from(plain, "base64") : undefined
}

/** The bytes of an image: bytes in any dress, also a Buffer that was JSON, or base64 with or without a head. */
const bytesOf = (image: unknown, lenient: boolean): Uint8Array | undefined => {
  if (typeof image === "string") return ofBase64(image, lenient)
  if (ArrayBuffer.isView(image)) return new Uint8Array(image.buffer, image.byteOffset, image.byteLength)
  if (types.isAnyArrayBuffer(image)) return new Uint8Array(image)
  const { data, type } = Object(image)
  return type === "Buffer" && Array.isArray(data) ? Uint8Array.from(data) : undefined
}

const names = ["media", "base64", "buffer", "dataBuffer"] as const

/** Reads the image. `undefined` if none was given. `sendUnchecked` leaves all but the form to QQ. */
export const read = (given: Json, { sendUnchecked }: Pick<Switches, "sendUnchecked">): Picture | undefined => {
  const form: unknown = given["formData"]?.getBuffer?.()
  if (form instanceof Uint8Array) return { form }
  const image: unknown = names.map((name) => given[name]).find(Boolean)
  if (image === undefined) return undefined
  const bytes = bytesOf(image, sendUnchecked)
  if (bytes === undefined) {
    return new Refused("must be bytes, base64 or a base64 data URL", "必须是字节数据、base64 或 base64 编码的 data URL")
  }
  const { mediaType } = Images.inspect(bytes) ?? {}
  if (!sendUnchecked && bytes.length > maxBytes) {
    return new Refused(
      `is ${bytes.length} bytes; QQ takes at most ${maxBytes} (1 MB)`,
      `大小为 ${bytes.length} 字节，超过上限 1 MB`,
      true
    )
  }
  if (!sendUnchecked && mediaType === undefined) {
    return new Refused(
      `is not a PNG, JPEG or GIF by its bytes (${bytes.length} bytes)`,
      `内容不是 PNG、JPEG 或 GIF 图片（${bytes.length} 字节）`
    )
  }
  return { bytes, mediaType: mediaType ?? "image/png" }
}
