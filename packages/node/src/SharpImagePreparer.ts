/**
 * Prepares pictures with the package `sharp`: JPEG, PNG, WebP, AVIF, GIF, TIFF and uncompressed BMP, and
 * HEIC where its decoder can.
 */
import {
  badPicture,
  brandsOf,
  framesOf,
  framesOfGif,
  hidesFrames,
  type Tile,
  tilesOf
} from "@qq-mini/core/adapter/pictureParts"
import { invalidConfig } from "@qq-mini/core/App"
import type { ImageLimits, ImagePreparer, PreparedImage } from "@qq-mini/core/ImagePreparer"
import { InvalidInput } from "@qq-mini/core/reason/input"
import type { Sharp, SharpOptions } from "sharp"

/** The options of the preparer. */
export interface Options {
  /**
   * The largest number of pixels of a picture, of all its frames together. By default 64 million. A file of a few KB
   * can hold billions of pixels, and decoding needs memory for them.
   */
  readonly maxPixels?: number | undefined
  /** The largest number of frames of an animation that are checked. By default 12, at least 4. */
  readonly maxFrames?: number | undefined
  /** The largest number of parts into which a picture is cut. A picture that needs more is refused. By default 32. */
  readonly maxParts?: number | undefined
  /** How many pictures are prepared at the same time. Further ones wait. By default 2. */
  readonly atOnce?: number | undefined
}

/** The options with their defaults. */
type Settings = { readonly [K in keyof Options]-?: number }

const defaults: Settings = { maxPixels: 64e6, maxFrames: 12, maxParts: 32, atOnce: 2 }

// A limit of 0 would let a picture wait for its turn without end.
const checked = (options: Options): Settings => {
  const all: Record<keyof Options, number> = { ...defaults }
  for (const [name, value] of Object.entries(options)) {
    const isKnown = Object.hasOwn(defaults, name)
    if (isKnown && value === undefined) continue
    if (!isKnown) throw invalidConfig(`imagePreparer.${name}`, "is not an option", "不是可用的选项")
    if (!Number.isInteger(value) || value < 1) {
      throw invalidConfig(`imagePreparer.${name}`, "must be a whole number of at least 1", "必须是不小于 1 的整数")
    }
    all[name as keyof Options] = value
  }
  return all
}

type SharpModule = typeof import("sharp").default

// Imported only when it is used, because most programs prepare no pictures.
const load = async (): Promise<SharpModule> => {
  try {
    return (await import("sharp")).default
  } catch {
    throw new InvalidInput({
      field: "prepare",
      problem: { en: "needs the package sharp: npm install sharp", zh: "需要安装 sharp 包：npm install sharp" }
    })
  }
}

// By the first bytes, because sharp knows other formats too, and reads an SVG of 28 MB for 20 seconds.
const known = /^(?:\xff\xd8\xff|\x89PNG|GIF8|RIFF[^]{4}WEBP|II[*+]\0|MM\0[*+]|[^]{4}ftyp)/

// An AVIF has the brand mif1 too.
const isHeic = (picture: Uint8Array) => {
  const brands = brandsOf(picture)
  return brands.some((brand) => /^(?:heic|heix|heim|heis|mif1)$/.test(brand)) && !brands.includes("avif")
}

const unknownFormat = (picture: Uint8Array) =>
  isHeic(picture)
    ? badPicture(
        "is a HEIC picture, which this sharp can't decode: convert it to JPEG, or use a sharp with HEIC",
        "是 HEIC 图片，当前的 sharp 无法解码：请先转换为 JPEG，或使用支持 HEIC 的 sharp"
      )
    : badPicture(
        "can't be decoded: it must be a JPEG, PNG, WebP, AVIF, GIF, TIFF or BMP, and not damaged or cut off",
        "无法解码：必须是完好的 JPEG、PNG、WebP、AVIF、GIF、TIFF 或 BMP 图片"
      )

const group = (n: number) => n.toLocaleString("en-US")

const tooManyPixels = (width: number, height: number, frames: number, max: number) =>
  badPicture(
    `is ${width} × ${height} pixels${frames > 1 ? ` in ${frames} frames` : ""}; at most ${group(max)} pixels are decoded`,
    `尺寸为 ${width} × ${height} 像素${frames > 1 ? `，共 ${frames} 帧` : ""}，超过上限 ${group(max)} 像素`
  )

/** A picture that sharp can open: its bytes, or the pixels of a BMP. */
interface Source {
  readonly input: Uint8Array
  readonly options: SharpOptions
}

const sourceOf = async (picture: Uint8Array, maxPixels: number): Promise<Source> => {
  const head = String.fromCharCode(...picture.subarray(0, 12))
  if (known.test(head)) return { input: picture, options: {} }
  if (!head.startsWith("BM")) throw unknownFormat(picture)
  // Imported only when it is used, because few pictures are BMP.
  const { open } = await import("./internal/bmp.ts")
  const bmp = open(picture)
  if (bmp === undefined) throw unknownFormat(picture)
  const { height, width } = bmp
  if (width * height > maxPixels) throw tooManyPixels(width, height, 1, maxPixels)
  const pixels = bmp.pixels()
  if (pixels === undefined) throw unknownFormat(picture)
  return { input: pixels, options: { raw: { width, height, channels: 3 } } }
}

const thumbnailSide = 32
// Frames of a few bytes each would take minutes, since each has a thumbnail.
const maxPages = 1_000
const white = { r: 255, g: 255, b: 255 }
const black = { r: 0, g: 0, b: 0 }

/** The pixels of a decoded picture. */
interface Pixels {
  readonly data: Buffer
  readonly width: number
  readonly height: number
  readonly channels: 3 | 4
}

const isTransparent = ({ channels, data }: Pixels): boolean => {
  if (channels === 3) return false
  for (let at = 3; at < data.length; at += 4) if (data[at] !== 255) return true
  return false
}

/** Encodes a picture as JPEG, within the limit of bytes. */
const encode = async (picture: Sharp, maxBytes: number): Promise<Uint8Array> => {
  for (const quality of [90, 75, 50]) {
    const bytes = await picture.clone().jpeg({ quality }).toBuffer()
    if (bytes.length <= maxBytes) return bytes
  }
  return picture.jpeg({ quality: 20 }).toBuffer()
}

/** Prepares one picture. */
const prepare = async (
  sharp: SharpModule,
  picture: Uint8Array,
  limits: ImageLimits,
  { maxFrames, maxParts, maxPixels }: Settings
): Promise<ReadonlyArray<PreparedImage>> => {
  if (hidesFrames(picture)) {
    throw badPicture(
      "is an animation whose frames can't be read: convert it to GIF or WebP",
      "是无法读取各帧的动图：请转换为 GIF 或 WebP"
    )
  }
  const source = await sourceOf(picture, maxPixels)
  const open = (more?: SharpOptions) =>
    // `error`, because a picture that is cut off must not be checked without its end.
    sharp(source.input, { failOn: "error", limitInputPixels: maxPixels, ...source.options, ...more })
  // The size is that of the upright picture, or of one frame.
  const { autoOrient: upright, format, pages = 1 } = await open({ limitInputPixels: false }).metadata()
  if (format === "gif") {
    // The decoder leaves out a frame that is cut off. Viewers show what there is of it.
    const { frames, isWhole } = framesOfGif(picture)
    if (!isWhole || frames !== pages) throw unknownFormat(picture)
  }
  if (pages > maxPages) {
    throw badPicture(
      `has ${group(pages)} frames; at most ${group(maxPages)} are decoded`,
      `共 ${group(pages)} 帧，超过上限 ${group(maxPages)} 帧`
    )
  }
  if (upright.width * upright.height * pages > maxPixels) {
    throw tooManyPixels(upright.width, upright.height, pages, maxPixels)
  }
  const tiles = tilesOf(upright.width, upright.height, limits)
  if (tiles.length > maxParts) {
    throw badPicture(
      `is so long that it needs ${tiles.length} parts; at most ${maxParts} are checked`,
      `过长：需要切分为 ${tiles.length} 张，超过上限 ${maxParts} 张`
    )
  }

  const thumbnails = async (): Promise<ReadonlyArray<Uint8Array>> => {
    const { data } = await open({ pages: -1 })
      .resize(thumbnailSide, thumbnailSide, { fit: "fill" })
      .toColourspace("srgb")
      // What is transparent counts too: a white text is not seen on white.
      .ensureAlpha()
      .raw()
      .toBuffer({ resolveWithObject: true })
    const size = data.length / pages
    return Array.from({ length: pages }, (_, i) => data.subarray(i * size, (i + 1) * size))
  }
  const most = Math.max(4, Math.min(maxFrames, Math.floor(maxParts / tiles.length)))
  const frames = pages === 1 ? [0] : framesOf(await thumbnails(), most)

  /** Decodes a frame in the size in which it is sent. */
  const decode = async (frame: number, { area, height, width }: Tile): Promise<Pixels> => {
    const { data, info } = await open(pages === 1 ? {} : { page: frame, pages: 1 })
      .autoOrient()
      .resize({
        width: Math.max(1, Math.round((upright.width * width) / area.width)),
        height: Math.max(1, Math.round((upright.height * height) / area.height)),
        // A page of a TIFF may be turned by itself. Nothing of it may be cut off.
        fit: "fill"
      })
      .toColourspace("srgb")
      .raw()
      .toBuffer({ resolveWithObject: true })
    return { data, width: info.width, height: info.height, channels: info.channels as 3 | 4 }
  }

  const parts: Array<PreparedImage> = []
  for (const frame of frames) {
    const pixels = await decode(frame, tiles[0]!)
    const { channels, data, height, width } = pixels
    // A white text is seen on black alone, and a black one on white.
    const backgrounds = isTransparent(pixels) ? [white, black] : [white]
    for (const tile of tiles) {
      const scale = width / upright.width
      const left = Math.min(Math.round(tile.area.left * scale), width - 1)
      const top = Math.min(Math.round(tile.area.top * scale), height - 1)
      const cut = {
        left,
        top,
        width: Math.min(tile.width, width - left),
        height: Math.min(tile.height, height - top)
      }
      for (const background of backgrounds) {
        const part = sharp(data, { raw: { width, height, channels } }).extract(cut).flatten({ background })
        parts.push({
          bytes: await encode(part, limits.maxBytes),
          ...(pages === 1 ? {} : { frame }),
          ...(tiles.length === 1 ? {} : { area: tile.area })
        })
      }
    }
  }
  return parts
}

/** Lets at most `max` work at the same time. */
const turns = (max: number) => {
  let busy = 0
  const waiting: Array<() => void> = []
  return async <A>(work: () => Promise<A>): Promise<A> => {
    if (busy >= max) await new Promise<void>((resolve) => waiting.push(resolve))
    else busy++
    try {
      return await work()
    } finally {
      const next = waiting.shift()
      if (next === undefined) busy--
      else next()
    }
  }
}

/**
 * Makes a preparer. It decodes the picture off the event loop, turns it by its EXIF, drops its metadata, and encodes it as
 * JPEG within QQ's limits.
 *
 * - A transparent picture is sent twice, on white and on black.
 * - Of an animation, at most `maxFrames` frames are sent, see `framesOf`.
 * - A picture that is longer than 2.5 times its short side is cut into parts that overlap.
 *
 * Throws `InvalidInput` for a picture that can't be decoded, is damaged or cut off, or has too many pixels or more than
 * 1,000 frames, and if the package `sharp` is missing. A wrong option throws a `QQError` here.
 */
export const make = (options: Options = {}): ImagePreparer => {
  const settings = checked(options)
  const inTurn = turns(settings.atOnce)
  return async (picture, limits, signal) => {
    const sharp = await load()
    return inTurn(async () => {
      signal.throwIfAborted()
      try {
        return await prepare(sharp, picture, limits, settings)
      } catch (error) {
        throw error instanceof InvalidInput ? error : unknownFormat(picture)
      }
    })
  }
}
