/**
 * Content checks: `security.msgSecCheck`, `security.imgSecCheck`.
 *
 * A check passes only if QQ's answer explicitly says so. An empty, unexpected or unreadable answer is an error.
 */
import * as Base64 from "effect/encoding/Base64"
import * as Result from "effect/Result"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as SchemaGetter from "effect/SchemaGetter"
import * as SchemaIssue from "effect/SchemaIssue"
import * as Body from "./Body.ts"
import * as Endpoint from "./Endpoint.ts"
import * as ImageInfo from "./call/image.ts"
import { both } from "./internal/problem.ts"
import { group, maxBytes, Text } from "./internal/schema.ts"
import { perDay, perMinute } from "./Limit.ts"
import { InvalidInput } from "./reason/client.ts"

/** QQ's code for risky content. */
const risky = 87014

/** The result of a content check. */
export interface Verdict {
  /** Whether the content must not be shown. */
  readonly risky: boolean
}

// Only the two checks use the spelling `errCode`. For a check, 0 means "passed" only in this spelling.
const verdict = () =>
  Schema.Struct({
    errCode: Schema.Literals([0, risky]),
    errMsg: Schema.optional(Schema.Unknown)
  }).pipe(
    Schema.decodeTo(Schema.Struct({ risky: Schema.Boolean }), {
      decode: SchemaGetter.transform(({ errCode }): Verdict => ({ risky: errCode === risky })),
      encode: SchemaGetter.transform((verdict) =>
        verdict.risky ? { errCode: risky as 87014, errMsg: "risky content" } : { errCode: 0 as const, errMsg: "ok" }
      )
    })
  )

const content = () => Schema.Struct({ content: Text.check(maxBytes(500 * 1024)) })

/**
 * Checks a text.
 *
 * - `content`: at most 500 KB as UTF-8. (The code of a newer client mentions 2,500 characters; QQ's own page does not.)
 *
 * QQ allows 4,000 calls a minute and 2,000,000 a day. For a risky text the result is `{ risky: true }`, not an error.
 * Source: QQ's document "msgSecCheck".
 */
export const msgSecCheck = /* @__PURE__ */ Endpoint.post(
  "security.msgSecCheck",
  "/api/json/security/MsgSecCheck",
  () => ({
    authorization: "access_token",
    input: content(),
    otherNames: { content: ["text"] },
    wire: content(),
    body: Body.json,
    appid: true,
    output: verdict(),
    resultCodes: [risky],
    quota: [perMinute(4_000), perDay(2_000_000)],
    delivery: "repeatable"
  })
)

const maxImageBytes = 1024 * 1024
const maxWidthPixels = 750
const maxHeightPixels = 1334

const file = () =>
  Schema.Struct({
    bytes: Schema.Uint8Array,
    mediaType: Schema.Literals(["image/png", "image/jpeg", "image/gif"])
  })

const invalid = (message: string) => Effect.fail(new SchemaIssue.InvalidValue({ message }))
const dataUrl = /^data:[^,]*;base64,/i

const notMedia = both("must be bytes, base64 or a base64 data URL", "必须是字节数据、base64 或 base64 编码的 data URL")

// I1: bytes, base64 or a data URL become a file. Its type is detected from its bytes.
const media = () =>
  Schema.declare((u: unknown): u is Uint8Array | string => u instanceof Uint8Array || typeof u === "string", {
    message: notMedia
  }).pipe(
    Schema.decodeTo(file(), {
      decode: SchemaGetter.transformEffect((image: Uint8Array | string) => {
        let bytes: Uint8Array
        if (typeof image === "string") {
          if (image.length > maxImageBytes * 2) return invalid(tooLarge(Math.floor(image.length * 0.75)))
          const decoded = Base64.decode(image.replace(dataUrl, ""))
          if (Result.isFailure(decoded)) return invalid(notMedia)
          bytes = decoded.success
        } else {
          bytes = image
        }
        if (bytes.length === 0) return invalid(both("is empty", "不能为空"))
        if (bytes.length > maxImageBytes) return invalid(tooLarge(bytes.length))
        const info = ImageInfo.inspect(bytes)
        if (info === undefined) {
          return invalid(
            both(
              `is not a PNG, JPEG or GIF by its bytes (${group(bytes.length)} bytes)`,
              `内容不是 PNG、JPEG 或 GIF 图片（${group(bytes.length)} 字节）`
            )
          )
        }
        const { height, mediaType, width } = info
        // QQ's page says 750 × 1334, and not whether 1334 × 750 is allowed too. So both orientations are accepted.
        if (Math.min(width, height) > maxWidthPixels || Math.max(width, height) > maxHeightPixels) {
          return invalid(
            both(
              `is ${width} × ${height} pixels; QQ takes at most ${maxWidthPixels} × ${maxHeightPixels}`,
              `尺寸为 ${width} × ${height} 像素，超过上限 ${maxWidthPixels} × ${maxHeightPixels}`
            )
          )
        }
        return Effect.succeed({ bytes, mediaType })
      }),
      encode: SchemaGetter.transform(({ bytes }) => bytes)
    })
  )

const tooLarge = (size: number) =>
  both(
    `is ${group(size)} bytes; QQ takes at most ${group(maxImageBytes)} (1 MB)`,
    `大小为 ${group(size)} 字节，超过上限 1 MB`
  )

/**
 * Checks an image.
 *
 * - `media`: a PNG, JPEG or GIF as bytes, base64 or data URL; at most 1 MB and 750 × 1334 pixels. Its type is detected
 *   from its bytes.
 *
 * QQ allows 2,000 calls a minute and 200,000 a day. For a risky image the result is `{ risky: true }`, not an error.
 * Source: QQ's document "imgSecCheck".
 */
export const imgSecCheck = /* @__PURE__ */ Endpoint.post(
  "security.imgSecCheck",
  "/api/json/security/ImgSecCheck",
  () => ({
    authorization: "access_token",
    input: Schema.Struct({ media: media() }),
    otherNames: { media: ["image"] },
    wire: Schema.Struct({ media: file() }),
    body: Body.multipart,
    appid: true,
    output: verdict(),
    codes: [
      {
        code: 40006,
        reason: InvalidInput,
        field: "media",
        help: { en: "The image is larger than 1 MB.", zh: "图片大小不能超过 1 MB。" }
      }
    ],
    resultCodes: [risky],
    quota: [perMinute(2_000), perDay(200_000)],
    delivery: "repeatable"
  })
)
