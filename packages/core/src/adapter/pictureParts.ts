/**
 * Which parts of a picture are checked, for preparers: the tiles of a very long picture, and the frames of an animation.
 */
import type { Area, ImageLimits } from "../ImagePreparer.ts"
import { InvalidInput } from "../reason/input.ts"

/** A part of a picture, and the size in which it is sent. */
export interface Tile {
  /** The part of the original. */
  readonly area: Area
  /** The width in which it is sent, in pixels. */
  readonly width: number
  /** The height in which it is sent, in pixels. */
  readonly height: number
}

// A picture that is longer than this, in its short sides, is cut: shrinking would make its texts unreadable.
const longRatio = 2.5
// A text on the edge of a tile is whole in the next one.
const overlap = 1 / 8

/**
 * The tiles of a picture, from its left or upper end. A picture of usual shape is one tile, made smaller if necessary. A
 * very long one is only made smaller until its short side fits, and then cut along its long side.
 */
export const tilesOf = (width: number, height: number, limits: ImageLimits): ReadonlyArray<Tile> => {
  const { maxHeight, maxWidth } = limits
  const long = Math.max(width, height)
  const short = Math.min(width, height)
  if (long <= short * longRatio) {
    const scale = Math.min(1, maxWidth / width, maxHeight / height)
    return [{ area: { left: 0, top: 0, width, height }, ...sized(width, height, scale) }]
  }
  const isWide = width > height
  const scale = Math.min(1, Math.min(maxWidth, maxHeight) / short)
  const window = Math.min(long, Math.floor((isWide ? maxWidth : maxHeight) / scale))
  const count = Math.max(1, Math.ceil((long - window * overlap) / (window * (1 - overlap))))
  return Array.from({ length: count }, (_, i) => {
    const from = count === 1 ? 0 : Math.round((i * (long - window)) / (count - 1))
    const area = isWide ? { left: from, top: 0, width: window, height } : { left: 0, top: from, width, height: window }
    return { area, ...sized(area.width, area.height, scale) }
  })
}

const sized = (width: number, height: number, scale: number) => ({
  width: Math.max(1, Math.floor(width * scale)),
  height: Math.max(1, Math.floor(height * scale))
})

/** The sum of the differences of two thumbnails of the same size. */
const distance = (a: Uint8Array, b: Uint8Array): number => {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += Math.abs(a[i]! - b[i]!)
  return sum
}

/**
 * The frames of an animation that are checked, in order, at most `max` (at least 4). These are the first, the second
 * and the last, some evenly between, and those that look least like the others, so that a picture which is shown for a
 * single frame is found. Of frames with equal thumbnails only one is taken. `thumbnails` has one for each frame, all of
 * the same size.
 */
export const framesOf = (thumbnails: ReadonlyArray<Uint8Array>, max: number): ReadonlyArray<number> => {
  const last = thumbnails.length - 1
  // How different each frame is from the chosen ones. A chosen one has 0.
  const differences = thumbnails.map(() => Infinity)
  const chosen: Array<number> = []
  const choose = (frame: number) => {
    if (!(differences[frame]! > 0) || chosen.length >= max) return
    chosen.push(frame)
    for (const [i, thumbnail] of thumbnails.entries()) {
      differences[i] = Math.min(differences[i]!, distance(thumbnail, thumbnails[frame]!))
    }
  }
  for (const frame of [0, 1, last]) choose(frame)
  const between = Math.floor((max - 3) / 2)
  for (let i = 1; i <= between; i++) choose(Math.round((i * last) / (between + 1)))
  while (chosen.length < max) {
    const most = Math.max(...differences)
    if (most === 0) break
    choose(differences.indexOf(most))
  }
  return chosen.toSorted((a, b) => a - b)
}

/** What is wrong with a picture, as the reason of the call's error. Nothing was sent. */
export const badPicture = (en: string, zh: string): InvalidInput =>
  new InvalidInput({ field: "media", problem: { en, zh } })

const ascii = (bytes: Uint8Array, from: number, to: number) => String.fromCharCode(...bytes.subarray(from, to))

const u32 = (bytes: Uint8Array, at: number) =>
  ((bytes[at] ?? 0) << 24) | ((bytes[at + 1] ?? 0) << 16) | ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0)

/** The brands of an ISO media file, such as `heic` and `avif`. Empty for other files. */
export const brandsOf = (bytes: Uint8Array): ReadonlyArray<string> => {
  if (ascii(bytes, 4, 8) !== "ftyp") return []
  const end = Math.min(u32(bytes, 0), bytes.length, 256)
  const brands = [ascii(bytes, 8, 12)]
  for (let at = 16; at + 4 <= end; at += 4) brands.push(ascii(bytes, at, at + 4))
  return brands
}

/**
 * Whether the picture is an animation of which decoders know only one picture: an animated PNG or AVIF, or a sequence
 * of HEIC. Its other frames would not be checked.
 */
export const hidesFrames = (bytes: Uint8Array): boolean => {
  if (u32(bytes, 0) >>> 0 === 0x89504e47) {
    for (let at = 8; at + 12 <= bytes.length;) {
      const name = ascii(bytes, at + 4, at + 8)
      if (name === "acTL") return true
      if (name === "IDAT") return false
      at += 12 + (u32(bytes, at) >>> 0)
    }
    return false
  }
  return brandsOf(bytes).some((brand) => ["avis", "msf1", "hevs", "hevc", "hevx"].includes(brand))
}

/** The length of the data blocks of a GIF at `at`, with their end. */
const blocksAt = (bytes: Uint8Array, at: number): number => {
  let end = at
  while (end < bytes.length && bytes[end] !== 0) end += 1 + bytes[end]!
  return end + 1 - at
}

const colours = (flags: number) => (flags & 0x80 ? 3 * 2 ** ((flags & 7) + 1) : 0)

/** The number of frames of a GIF, and whether its last one is whole. */
export const framesOfGif = (bytes: Uint8Array): { readonly frames: number; readonly isWhole: boolean } => {
  let frames = 0
  let at = 13 + colours(bytes[10] ?? 0)
  for (; at < bytes.length; at += blocksAt(bytes, at)) {
    if (bytes[at] === 0x2c) {
      frames++
      at += 10 + colours(bytes[at + 9] ?? 0) + 1
    } else if (bytes[at] === 0x21) at += 2
    else break
  }
  return { frames, isWhole: at <= bytes.length }
}

/** Whether the picture is an animation: a GIF, WebP, PNG or AVIF with several frames, or a sequence of HEIC. */
export const isAnimated = (bytes: Uint8Array): boolean => {
  if (ascii(bytes, 0, 4) === "GIF8") return framesOfGif(bytes).frames > 1
  // The flag is in the header of a WebP that is more than one picture.
  if (ascii(bytes, 8, 16) === "WEBPVP8X") return ((bytes[20] ?? 0) & 2) !== 0
  return hidesFrames(bytes)
}
