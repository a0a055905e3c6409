/** The properties of an image that its bytes show. */
export interface ImageInfo {
  /** The media type. */
  readonly mediaType: "image/png" | "image/jpeg" | "image/gif"
  /** The width in pixels. */
  readonly width: number
  /** The height in pixels. */
  readonly height: number
  /** Whether the bytes end with the end marker of the image. */
  readonly complete: boolean
}

const startsWith = (bytes: Uint8Array, ...head: ReadonlyArray<number>): boolean =>
  bytes.length >= head.length && head.every((byte, i) => bytes[i] === byte)

const u16 = (bytes: Uint8Array, at: number): number => ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0)

const png = (bytes: Uint8Array): ImageInfo => ({
  mediaType: "image/png",
  width: u16(bytes, 16) * 65_536 + u16(bytes, 18),
  height: u16(bytes, 20) * 65_536 + u16(bytes, 22),
  // The last chunk is IEND: its name and its checksum.
  complete: endsWith(bytes, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82)
})

const gif = (bytes: Uint8Array): ImageInfo => ({
  mediaType: "image/gif",
  width: (bytes[6] ?? 0) | ((bytes[7] ?? 0) << 8),
  height: (bytes[8] ?? 0) | ((bytes[9] ?? 0) << 8),
  complete: endsWith(bytes, 0x3b)
})

// A JPEG is a sequence of segments. The start of a frame (SOF0 to SOF15, except DHT, JPG and DAC) contains the size.
const jpeg = (bytes: Uint8Array): ImageInfo => {
  let width = 0
  let height = 0
  for (let at = 2; at + 9 < bytes.length && bytes[at] === 0xff;) {
    const marker = bytes[at + 1]!
    if (marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc) {
      height = u16(bytes, at + 5)
      width = u16(bytes, at + 7)
      break
    }
    // 0xff may be repeated as padding.
    at += marker === 0xff ? 1 : 2 + u16(bytes, at + 2)
  }
  return { mediaType: "image/jpeg", width, height, complete: endsWith(bytes, 0xff, 0xd9) }
}

// Zeros may follow the end, because some writers fill up the last block.
const endsWith = (bytes: Uint8Array, ...tail: ReadonlyArray<number>): boolean => {
  let end = bytes.length
  while (end > 0 && bytes[end - 1] === 0) end--
  return tail.every((byte, i) => bytes[end - tail.length + i] === byte)
}

/** C2: recognises a PNG, JPEG or GIF by its bytes. Returns `undefined` for anything else. */
export const inspect = (bytes: Uint8Array): ImageInfo | undefined => {
  if (startsWith(bytes, 0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a)) return png(bytes)
  if (startsWith(bytes, 0xff, 0xd8, 0xff)) return jpeg(bytes)
  if (startsWith(bytes, 0x47, 0x49, 0x46, 0x38)) return gif(bytes)
  return undefined
}
