/** What the demo needs of a terminal: colours, rows, and pictures of black and white squares. */
import { PNG } from "pngjs"
import { stripVTControlCharacters, styleText } from "node:util"

export const bold = (text: string) => styleText("bold", text)
export const dim = (text: string) => styleText("dim", text)
export const good = (text: string) => styleText("green", text)
export const bad = (text: string) => styleText("red", text)

// Chinese characters and signs are two columns wide
const width = (text: string) =>
  [...stripVTControlCharacters(text)].reduce((sum, c) => sum + (/[ᄀ-ᇿ⺀-鿿＀-｠]/u.test(c) ? 2 : 1), 0)
export const column = (text: string, columns: number) => text + " ".repeat(Math.max(1, columns - width(text)))

/** A small picture, so that there is something to check. */
export const picture = (): Uint8Array => {
  const png = new PNG({ width: 64, height: 64 })
  for (let i = 0; i < png.data.length; i += 4) png.data.set([((i >> 2) % 64) << 2, i >> 8, 128, 255], i)
  return new Uint8Array(PNG.sync.write(png))
}

/**
 * Draws a code of squares with half blocks, two rows a line. The size of a square is told from the first finder pattern,
 * which is seven squares wide. Gives `undefined` for a picture that is no such code.
 */
export const drawCode = (image: { readonly bytes: Uint8Array; readonly mediaType: string }): string | undefined => {
  if (image.mediaType !== "image/png") return undefined
  const { data, height, width } = PNG.sync.read(Buffer.from(image.bytes))
  const dark = (x: number, y: number) => {
    const i = (y * width + x) * 4
    return x < width && y < height && data[i + 3]! > 127 && data[i]! < 128
  }
  let corner = 0
  while (corner < Math.min(width, height) && !dark(corner, corner)) corner++
  let end = corner
  while (dark(end, corner)) end++
  const square = Math.round((end - corner) / 7)
  if (square < 1) return undefined
  const margin = corner % square
  const at = (column: number, row: number) =>
    dark(margin + column * square + (square >> 1), margin + row * square + (square >> 1))
  const lines: Array<string> = []
  // two squares of margin are enough to look at
  const from = Math.max(0, Math.floor(corner / square) - 2)
  const to = Math.ceil(width / square) - from
  for (let row = from; row < to; row += 2) {
    let line = ""
    for (let column = from; column < to; column++) {
      const [above, below] = [at(column, row), at(column, row + 1)]
      // light is printed, so that the code reads on a dark terminal too
      line += above ? (below ? " " : "▄") : below ? "▀" : "█"
    }
    lines.push(line)
  }
  return lines.join("\n")
}
