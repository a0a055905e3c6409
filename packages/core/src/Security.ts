/**
 * Content checks: `security.msgSecCheck`, `security.imgSecCheck`, `security.mediaCheckAsync`.
 *
 * A check passes only if QQ's answer explicitly says so. An empty, unexpected or unreadable answer is an error.
 */
import * as Schema from "effect/Schema"
import * as SchemaGetter from "effect/SchemaGetter"
import * as Body from "./Body.ts"
import * as Endpoint from "./Endpoint.ts"
import * as Pictures from "./call/picture.ts"
import { type CheckedPart, inParts } from "./call/pictureInParts.ts"
import { both } from "./internal/problem.ts"
import { maxBytes, Text, webAddress } from "./internal/schema.ts"
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

/** The longest text that QQ checks, in bytes of UTF-8. */
export const maxTextBytes = 500 * 1024

const content = () => Schema.Struct({ content: Text.check(maxBytes(maxTextBytes)) })

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

/** An image that is checked: one of `media` and `base64`. */
export type ImageInput = Pictures.Input

export type {
  /** One picture that was sent. */
  CheckedPart
} from "./call/pictureInParts.ts"

/** The result of the check of an image. */
export interface ImageVerdict extends Verdict {
  /** What was sent, if the image was prepared. It passes only if every part passes. */
  readonly parts?: ReadonlyArray<CheckedPart>
}

/**
 * Checks an image.
 *
 * - `media`: the image as bytes (`Uint8Array`, `Buffer`, `ArrayBuffer`), a `Blob` or `File`, a stream of bytes of the web
 *   or of Node, base64, or a base64 data URL. QQ takes a PNG, JPEG or GIF of at most 1 MB and 750 × 1334 pixels. Its
 *   type is detected from its bytes.
 * - `base64`: the image as base64 or data URL, instead of `media`.
 * - `prepare`: `true` turns any picture of up to 32 MB, such as a photo of a phone, into pictures that QQ takes: it is
 *   decoded, turned upright, made smaller and encoded again. An animation is checked by several of its frames, a very
 *   long picture in several parts. This needs a preparer: on Node the package `sharp`, on Workers the Images binding
 *   (`imagePreparer`), elsewhere a function of your own, which may also be given here. Each part counts for the quota.
 *   The result has them in `parts`. The check ends early at the first risky part.
 *
 * QQ allows 2,000 calls a minute and 200,000 a day. For a risky image the result is `{ risky: true }`, not an error.
 * Source: QQ's document "imgSecCheck".
 */
export const imgSecCheck = /* @__PURE__ */ Endpoint.post(
  "security.imgSecCheck",
  "/api/json/security/ImgSecCheck",
  () => ({
    authorization: "access_token",
    input: Pictures.input(),
    otherNames: { media: ["image"] },
    wire: Pictures.wire(),
    body: Body.multipart,
    appid: true,
    output: verdict(),
    read: Pictures.read,
    inParts,
    select: (verdict: Verdict): ImageVerdict => verdict,
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

const media = () =>
  Schema.Struct({
    media_url: webAddress(),
    media_type: Schema.Literals([1, 2]).annotate({
      message: both("must be 1 (audio) or 2 (picture)", "必须是 1（音频）或 2（图片）")
    })
  })

/**
 * Starts the check of a sound or a picture at an address.
 *
 * - `media_url`: where QQ can load it. At most 10 MB.
 * - `media_type`: 1 for a sound, 2 for a picture.
 *
 * The result is not a verdict, but the `trace_id` of the check. How QQ tells the verdict is not documented, so don't show
 * content that only this call has checked. 2,000 calls a minute and 200,000 a day.
 *
 * Not in QQ's documents that are left: the call, its sizes and its limits come from the code of other clients.
 */
export const mediaCheckAsync = /* @__PURE__ */ Endpoint.post(
  "security.mediaCheckAsync",
  "/api/json/security/MediaCheckAsync",
  () => ({
    authorization: "access_token",
    input: media(),
    otherNames: { media_url: ["url"], media_type: ["type"] },
    wire: media(),
    body: Body.json,
    appid: true,
    output: Schema.Struct({ trace_id: Text }),
    quota: [perMinute(2_000), perDay(200_000)],
    delivery: "repeatable"
  })
)
