/** Pictures of a given size in bytes. */
import { crc32 } from "node:zlib"
import { image } from "../support/calls.ts"

/** Makes a PNG of a given size in bytes, padded with a text chunk. */
export const pngOf = (size: number): Uint8Array => {
  const end = image.length - 12
  const chunk = Buffer.alloc(size - image.length)
  chunk.writeUInt32BE(chunk.length - 12)
  chunk.write("tEXtComment\0", 4)
  chunk.fill("x", 16, chunk.length - 4)
  chunk.writeUInt32BE(crc32(chunk.subarray(4, -4)), chunk.length - 4)
  return Buffer.concat([image.subarray(0, end), chunk, image.subarray(end)])
}

const formats = [
  { start: "89504e47", end: "49454e44ae426082", filename: "media.png", type: "image/png" },
  { start: "ffd8ff", end: "ffd9", filename: "media.jpg", type: "image/jpeg" },
  { start: "474946", end: "3b", filename: "media.gif", type: "image/gif" }
]

/** The name and type of a PNG, JPEG or GIF by its first bytes. Other bytes are called PNG. */
export const formatOf = (bytes: Buffer): { readonly filename: string; readonly type: string } => {
  const hex = bytes.toString("hex", 0, 8)
  const { filename, type } = formats.find(({ start }) => hex.startsWith(start)) ?? formats[0]!
  return { filename, type }
}

/** Whether bytes are a whole PNG, JPEG or GIF, by their beginning and their end. */
export const isWholeImage = (bytes: Buffer): boolean => {
  const hex = bytes.toString("hex")
  return formats.some(({ end, start }) => hex.startsWith(start) && hex.endsWith(end))
}

/** Whether QQ takes an image for a check: a PNG, JPEG or GIF of at most 1 MB. */
export const isAcceptable = (bytes: Buffer): boolean => isWholeImage(bytes) && bytes.length <= 1024 * 1024
