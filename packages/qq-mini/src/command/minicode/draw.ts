/** Draws a picture in black and white with half blocks: two rows of pixels a line. */
import type { Image } from "@qq-mini/core/Acode"
import { PNG } from "pngjs"

type Dark = (x: number, y: number) => boolean

/** The size of a square of a code, by its first finder pattern, which is seven squares wide. 0 if there is none. */
const squareOf = (dark: Dark, size: number): { readonly square: number; readonly corner: number } => {
  let corner = 0
  while (corner < size && !dark(corner, corner)) corner++
  let end = corner
  while (end < size && dark(end, corner)) end++
  const square = Math.round((end - corner) / 7)
  const rows = Array.from({ length: 7 }, (_, row) => dark(corner, corner + Math.floor((row + 0.5) * square)))
  return { square: rows.every(Boolean) ? square : 0, corner }
}

// Light is printed, so that the code reads on a dark terminal too.
const block = (above: boolean, below: boolean) => (above ? (below ? " " : "▄") : below ? "▀" : "█")

/**
 * The picture in at most so many columns. A code of squares is drawn square by square, so that a phone can read it.
 * `undefined` for a picture that is no PNG.
 */
export const draw = ({ bytes, mediaType }: Image, maxColumns: number): string | undefined => {
  if (mediaType !== "image/png") return undefined
  const { data, height, width } = PNG.sync.read(Buffer.from(bytes))
  const dark: Dark = (x, y) => {
    const i = (y * width + x) * 4
    return x < width && y < height && data[i + 3]! > 127 && (data[i]! + data[i + 1]! + data[i + 2]!) / 3 < 128
  }
  const { corner, square } = squareOf(dark, Math.min(width, height))
  // Two squares of margin are enough.
  const quiet = Math.max(0, Math.floor(corner / square) - 2)
  const isGrid = square > 0 && width / square - 2 * quiet <= maxColumns
  const step = isGrid ? square : Math.max(1, width / maxColumns)
  const origin = isGrid ? (corner % square) + quiet * square : 0
  const columns = Math.floor((width - 2 * origin) / step)
  const rows = Math.floor((height - 2 * origin) / step)
  const at = (column: number, row: number) =>
    row < rows && dark(Math.floor(origin + (column + 0.5) * step), Math.floor(origin + (row + 0.5) * step))
  return Array.from({ length: Math.ceil(rows / 2) }, (_, line) =>
    Array.from({ length: columns }, (_, column) => block(at(column, line * 2), at(column, line * 2 + 1))).join("")
  ).join("\n")
}
