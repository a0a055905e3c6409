/**
 * Prepares pictures with the Images binding of Cloudflare Workers: JPEG, PNG, WebP, AVIF, GIF, and HEIC.
 */
import { badPicture, isAnimated, tilesOf } from "@qq-mini/core/adapter/pictureParts"
import type { ImageLimits, ImagePreparer } from "@qq-mini/core/ImagePreparer"
import { InvalidInput } from "@qq-mini/core/reason/input"

/** An image on its way through the binding. */
export interface ImageTransformer {
  readonly transform: (transform: {
    readonly width: number
    readonly height: number
    readonly fit: "scale-down"
    readonly background: string
  }) => ImageTransformer
  readonly output: (options: {
    readonly format: "image/jpeg"
    readonly quality: number
  }) => PromiseLike<{ readonly response: () => Response }>
}

/** The Images binding, `env.IMAGES`. */
export interface ImagesBinding {
  readonly info: (image: ReadableStream<Uint8Array>) => PromiseLike<object>
  readonly input: (image: ReadableStream<Uint8Array>) => ImageTransformer
}

const streamOf = (picture: Uint8Array): ReadableStream<Uint8Array> => new Response(picture as BodyInit).body!

// The number of Cloudflare's error is shown, because the binding also fails for other reasons than the picture.
const undecodable = (cause?: unknown) => {
  const code: unknown = Object(cause).code
  const number = typeof code === "number" ? [` (error ${code})`, `（错误码 ${code}）`] : ["", ""]
  return badPicture(
    `can't be decoded by the Images binding${number[0]}: it must be a JPEG, PNG, WebP, AVIF, GIF or HEIC, and not damaged`,
    `Images 绑定无法解码${number[1]}：必须是完好的 JPEG、PNG、WebP、AVIF、GIF 或 HEIC 图片`
  )
}

const noBinding = () =>
  new InvalidInput({
    field: "prepare",
    problem: {
      en: "needs the Images binding: set images in the configuration of the Worker",
      zh: "需要 Images 绑定：请在 Worker 的配置中设置 images"
    }
  })

/** The picture on a background, as JPEG within the limits. */
const onBackground = async (
  images: ImagesBinding,
  picture: Uint8Array,
  { maxBytes, maxHeight, maxWidth }: ImageLimits,
  background: string
): Promise<Uint8Array> => {
  let bytes = new Uint8Array(0)
  for (const quality of [85, 60, 30]) {
    const output = await images
      .input(streamOf(picture))
      .transform({ width: maxWidth, height: maxHeight, fit: "scale-down", background })
      .output({ format: "image/jpeg", quality })
    bytes = new Uint8Array(await output.response().arrayBuffer())
    if (bytes.length <= maxBytes) break
  }
  return bytes
}

const isEqual = (a: Uint8Array, b: Uint8Array) => a.length === b.length && a.every((byte, i) => byte === b[i])

const prepare = async (images: ImagesBinding, picture: Uint8Array, limits: ImageLimits) => {
  const { height = 0, width = 0 } = (await images.info(streamOf(picture))) as { width?: number; height?: number }
  // Without a size it is an SVG.
  if (!(width > 0 && height > 0)) throw undecodable()
  if (tilesOf(width, height, limits).length > 1) {
    throw badPicture(
      `is ${width} × ${height} pixels: it is so long that made smaller its texts could not be read; cut it first`,
      `尺寸为 ${width} × ${height} 像素，过长，缩小后文字将无法辨认：请先切分`
    )
  }
  const white = await onBackground(images, picture, limits, "#ffffff")
  // A white text on a transparent ground is seen on black alone. Of a picture without transparency both are equal.
  const black = picture[0] === 0xff ? white : await onBackground(images, picture, limits, "#000000")
  return isEqual(white, black) ? [white] : [white, black]
}

/**
 * Makes a preparer: `createQQMini({ imagePreparer: images(env.IMAGES), … })`. The binding turns the picture upright, makes it
 * smaller and encodes it as JPEG.
 *
 * The binding gives only the first frame of an animation, and pictures that are longer than 2.5 times their short side
 * would lose their texts. Both are refused with `InvalidInput`.
 */
export const make =
  (images: ImagesBinding): ImagePreparer =>
  async (picture, limits) => {
    // A binding that is not configured is missing only at run time.
    if ((images as ImagesBinding | undefined) === undefined) throw noBinding()
    if (isAnimated(picture)) {
      throw badPicture(
        "is an animation, of which the Images binding gives only the first frame",
        "是动图，而 Images 绑定只能取得第一帧"
      )
    }
    try {
      return await prepare(images, picture, limits)
    } catch (error) {
      throw error instanceof InvalidInput ? error : undecodable(error)
    }
  }
