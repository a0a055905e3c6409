/**
 * Risky images by their content: an image that shows the marker colour is risky, whatever its format, size and encoding.
 * This needs the package `sharp`.
 */

/** The marker colour, a pure magenta. */
export const riskyColour = "#ff00ff"

// This share of the image must have the colour, or nearly, since encoding changes it a little.
const share = 0.001

const load = async () => {
  try {
    return (await import("sharp")).default
  } catch {
    return undefined
  }
}

/** Whether an image, or a frame of it, shows {@link riskyColour}. `false` without `sharp`, and for a broken image. */
export const hasRiskyColour = async (image: Uint8Array): Promise<boolean> => {
  const sharp = await load()
  if (sharp === undefined) return false
  try {
    const pixels = await sharp(image, { pages: -1 })
      .flatten({ background: "#fff" })
      .toColourspace("srgb")
      .raw()
      .toBuffer()
    let marked = 0
    for (let at = 0; at < pixels.length; at += 3) {
      if (pixels[at]! > 190 && pixels[at + 1]! < 80 && pixels[at + 2]! > 190) marked++
    }
    return marked >= (pixels.length / 3) * share
  } catch {
    return false
  }
}
