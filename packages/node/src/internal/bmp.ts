/** Reads BMP pictures, which sharp can't. */

/** The size of a BMP, and how its pixels are read. */
export interface Bmp {
  readonly width: number
  readonly height: number
  /** The pixels, with 3 bytes each. `undefined` if the file is cut off, or of a kind that is not known. */
  readonly pixels: () => Uint8Array | undefined
}

/** Makes a function that takes one colour out of a pixel, from 0 to 255. */
const byMask = (mask: number) => {
  const shift = mask === 0 ? 0 : 31 - Math.clz32(mask & -mask)
  const max = mask >>> shift || 1
  return (pixel: number) => Math.round((((pixel & mask) >>> shift) * 255) / max)
}

const uncompressed = 0
const withMasks = 3

const read = (view: DataView, width: number, height: number): Uint8Array | undefined => {
  const start = view.getUint32(10, true)
  const headerSize = view.getUint32(14, true)
  const bits = view.getUint16(28, true)
  const compression = view.getUint32(30, true)
  const hasMasks = compression === withMasks && (bits === 16 || bits === 32)
  if (![1, 4, 8, 16, 24, 32].includes(bits) || !(hasMasks || compression === uncompressed)) return undefined
  // Each row is filled up to 4 bytes.
  const rowSize = Math.ceil((width * bits) / 32) * 4
  if (start + rowSize * height > view.byteLength) return undefined
  const isTopDown = view.getInt32(22, true) < 0

  const mask = (i: number, otherwise: number) => byMask(hasMasks ? view.getUint32(54 + 4 * i, true) : otherwise)
  const [red, green, blue] =
    bits === 16 ? [mask(0, 0x7c00), mask(1, 0x3e0), mask(2, 0x1f)] : [mask(0, 0xff0000), mask(1, 0xff00), mask(2, 0xff)]
  const palette = 14 + headerSize
  const colours = Math.min(view.getUint32(46, true) || 2 ** bits, 2 ** bits)
  if (bits <= 8 && palette + 4 * colours > view.byteLength) return undefined
  /** A pixel as 0xRRGGBB. */
  const pixelAt = (row: number, x: number): number => {
    if (bits <= 8) {
      const perByte = 8 / bits
      const byte = view.getUint8(row + Math.floor(x / perByte))
      const colour = (byte >> (8 - bits * ((x % perByte) + 1))) & (2 ** bits - 1)
      return colour < colours ? view.getUint32(palette + 4 * colour, true) : 0
    }
    if (bits === 24) return view.getUint16(row + 3 * x, true) | (view.getUint8(row + 3 * x + 2) << 16)
    const pixel = bits === 16 ? view.getUint16(row + 2 * x, true) : view.getUint32(row + 4 * x, true)
    return (red(pixel) << 16) | (green(pixel) << 8) | blue(pixel)
  }

  const pixels = new Uint8Array(width * height * 3)
  for (let y = 0, to = 0; y < height; y++) {
    const row = start + rowSize * (isTopDown ? y : height - 1 - y)
    for (let x = 0; x < width; x++, to += 3) {
      const colour = pixelAt(row, x)
      pixels[to] = colour >> 16
      pixels[to + 1] = colour >> 8
      pixels[to + 2] = colour
    }
  }
  return pixels
}

/** Reads the size of a BMP. `undefined` if it is none, or of a kind that is not known. */
export const open = (picture: Uint8Array): Bmp | undefined => {
  if (picture[0] !== 0x42 || picture[1] !== 0x4d || picture.length < 54) return undefined
  const view = new DataView(picture.buffer, picture.byteOffset, picture.length)
  const width = view.getInt32(18, true)
  const height = Math.abs(view.getInt32(22, true))
  // The header of OS/2 is shorter.
  if (view.getUint32(14, true) < 40 || width <= 0 || height === 0) return undefined
  return { width, height, pixels: () => read(view, width, height) }
}
