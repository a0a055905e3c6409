/** The picture of a check: its input, and QQ's limits. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as SchemaGetter from "effect/SchemaGetter"
import * as SchemaIssue from "effect/SchemaIssue"
import type { FilePart } from "../Body.ts"
import type { Reading } from "../endpoint/definition.ts"
import type { ImageLimits, ImagePreparer } from "../ImagePreparer.ts"
import { both } from "../internal/problem.ts"
import type { Help } from "../internal/reason.ts"
import { group } from "../internal/schema.ts"
import { peek } from "../internal/shown.ts"
import { InvalidInput } from "../reason/input.ts"
import { type ImageInfo, inspect } from "./image.ts"
import { fromElsewhere, inMemory, type Media, Problem, TooLarge } from "./media.ts"

const megabyte = 1024 * 1024

/** QQ's limits. */
export const limits: ImageLimits = { maxBytes: megabyte, maxWidth: 750, maxHeight: 1334 }

/** The largest picture that can be prepared, in bytes. It is larger than the photos of phones. */
export const maxBytesToPrepare = 32 * megabyte

/** The parameters that name the picture and its preparation. */
export type Input = (
  | { readonly media: Media; readonly base64?: undefined }
  | { readonly base64: string; readonly media?: undefined }
) & { readonly prepare?: boolean | ImagePreparer | undefined }

/** A picture as QQ takes it. */
export interface Picture {
  readonly media: FilePart & { readonly mediaType: ImageInfo["mediaType"] }
}

/** A picture that has yet to be prepared. */
interface ToPrepare {
  readonly bytes: Uint8Array
  readonly prepare: true | ImagePreparer
}

/** The decoded parameters. */
export interface Params {
  readonly media: Picture["media"] | ToPrepare
}

/** I1: what a picture is by its bytes, or why QQ would refuse it. */
export const check = (bytes: Uint8Array): ImageInfo | Problem => {
  if (bytes.length > limits.maxBytes) {
    return new Problem(
      `is ${group(bytes.length)} bytes; QQ takes at most ${group(limits.maxBytes)} (1 MB)`,
      `大小为 ${group(bytes.length)} 字节，超过上限 1 MB`
    )
  }
  const info = inspect(bytes)
  if (info === undefined) {
    return new Problem(
      `is not a PNG, JPEG or GIF by its bytes (${group(bytes.length)} bytes)`,
      `内容不是 PNG、JPEG 或 GIF 图片（${group(bytes.length)} 字节）`
    )
  }
  const { height, width } = info
  // QQ's page says 750 × 1334, and not whether 1334 × 750 is allowed too. So both orientations are accepted.
  return Math.min(width, height) > limits.maxWidth || Math.max(width, height) > limits.maxHeight
    ? new Problem(
        `is ${width} × ${height} pixels; QQ takes at most ${limits.maxWidth} × ${limits.maxHeight}`,
        `尺寸为 ${width} × ${height} 像素，超过上限 ${limits.maxWidth} × ${limits.maxHeight}`
      )
    : info
}

const mediaTypes: ReadonlySet<unknown> = new Set(["image/png", "image/jpeg", "image/gif"])

// What has yet to be prepared passes too: its parts are encoded one by one.
const isFile = (u: unknown): u is Picture["media"] =>
  peek(u, "bytes") instanceof Uint8Array && (mediaTypes.has(peek(u, "mediaType")) || Boolean(peek(u, "prepare")))

/** The schema of the wire parameters. */
export const wire = () => Schema.Struct({ media: Schema.declare(isFile) })

/** Whether a value can be the parameter `prepare`. */
export const isPrepare = (u: unknown): u is boolean | ImagePreparer => typeof u === "boolean" || typeof u === "function"

/** The problem of another value. */
export const notPrepare: Help = { en: "must be true, false or a function", zh: "必须是 true、false 或函数" }

const given = () =>
  Schema.Struct({
    media: Schema.optional(Schema.Unknown),
    base64: Schema.optional(Schema.String),
    prepare: Schema.optional(Schema.declare(isPrepare, { message: both(notPrepare.en, notPrepare.zh) }))
  })

const maxBytesOf = (prepare: unknown): number =>
  prepare === undefined || prepare === false ? limits.maxBytes : maxBytesToPrepare

type Given = ReturnType<typeof given>["Type"]

const preparable = ({ en, zh }: Problem) =>
  new Problem(
    `${en}: prepare: true takes larger pictures and other formats`,
    `${zh}，设置 prepare: true 后支持更大的图片和其他格式`
  )

const mediaOf = ({ base64, media, prepare }: Given): Params["media"] | Problem => {
  if (media === undefined && base64 === undefined) return new Problem("is required and missing", "缺少必填参数")
  if (media !== undefined && base64 !== undefined) {
    return new Problem("is given beside media: give one of them", "不能与 media 同时使用")
  }
  const bytes = inMemory(media ?? base64, maxBytesToPrepare)
  if (bytes instanceof Problem) return bytes
  if (prepare !== undefined && prepare !== false) return { bytes, prepare }
  const info = check(bytes)
  return info instanceof Problem ? preparable(info) : { bytes, mediaType: info.mediaType }
}

/** The schema of the input. */
export const input = (): Schema.Codec<Picture, Input> =>
  given().pipe(
    Schema.decodeTo(
      Schema.declare((u: unknown): u is Params => typeof u === "object"),
      {
        decode: SchemaGetter.transformEffect((fields) => {
          const media = mediaOf(fields)
          if (!(media instanceof Problem)) return Effect.succeed({ media })
          const field = fields.base64 === undefined ? "media" : "base64"
          const message = both(media.en, media.zh)
          return Effect.fail(new SchemaIssue.Pointer([field], new SchemaIssue.InvalidValue({ message })))
        }),
        encode: SchemaGetter.transform(({ media: { bytes } }) => ({ media: bytes }))
      }
    )
  ) as unknown as Schema.Codec<Picture, Input>

/** The error of a wrong parameter. */
export const invalid = (field: string, { en, zh }: Problem) => new InvalidInput({ field, problem: { en, zh } })

/** Reads `media` if it is a file or a stream. */
export const read = (input: Readonly<Record<string, unknown>>): Reading | undefined => {
  const max = maxBytesOf(input["prepare"])
  const reading = fromElsewhere(input["media"], max)
  return (
    reading &&
    Effect.mapBoth(reading, {
      onFailure: (problem) =>
        invalid("media", problem instanceof TooLarge && max === limits.maxBytes ? preparable(problem) : problem),
      onSuccess: (media) => ({ ...input, media })
    })
  )
}
