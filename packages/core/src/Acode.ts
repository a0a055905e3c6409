/**
 * Mini codes: `acode.getMiniCode`.
 */
import * as Base64 from "effect/encoding/Base64"
import * as Schema from "effect/Schema"
import * as SchemaGetter from "effect/SchemaGetter"
import * as Body from "./Body.ts"
import * as Endpoint from "./Endpoint.ts"
import { pagePath } from "./internal/schema.ts"
import { perLifetime } from "./Limit.ts"
import { MiniCodesUsedUp, PageMissing } from "./reason/answered.ts"

type MediaType = "image/png" | "image/jpeg" | "image/gif"

/** An image as bytes. Its media type is detected from the bytes, not from a header. */
export class Image {
  readonly bytes: Uint8Array
  readonly mediaType: MediaType
  constructor(bytes: Uint8Array, mediaType: MediaType) {
    this.bytes = bytes
    this.mediaType = mediaType
  }
  /** The image as `data:image/png;base64,…`, ready for `<image src>`. */
  get dataUrl(): string {
    return `data:${this.mediaType};base64,${Base64.encode(this.bytes)}`
  }
}

/**
 * Makes a mini code: the picture that opens the program when it is scanned.
 *
 * - `path`: the page it opens, which must exist in the published program; no leading `/`, a query is allowed. Without
 *   it the code opens the program's first page.
 *
 * QQ allows 50 codes in the whole life of a program, so keep the images. For the same reason the call is never repeated
 * automatically. Fails with `PageMissing`, `MiniCodesUsedUp`, and `OutcomeUnknown` when a code may have been spent.
 * Source: QQ's document "createMiniCode". It does not document the image's type, so PNG, JPEG and GIF are accepted.
 */
export const getMiniCode = /* @__PURE__ */ Endpoint.post("acode.getMiniCode", "/api/json/qqa/CreateMiniCode", () => ({
  authorization: "access_token",
  input: Schema.Struct({ path: Schema.optional(pagePath()) }),
  // The sample on QQ's page has `page`.
  otherNames: { path: ["page"] },
  wire: Schema.Struct({ path: Schema.optional(pagePath()) }),
  body: Body.json,
  appid: true,
  output: Schema.Struct({
    bytes: Schema.Uint8Array,
    mediaType: Schema.Literals(["image/png", "image/jpeg", "image/gif"])
  }).pipe(
    Schema.decodeTo(Schema.instanceOf(Image), {
      decode: SchemaGetter.transform(({ bytes, mediaType }) => new Image(bytes, mediaType)),
      encode: SchemaGetter.transform(({ bytes, mediaType }) => ({ bytes, mediaType }))
    })
  ),
  image: true,
  codes: [
    { code: 41030, reason: PageMissing },
    { code: 45029, reason: MiniCodesUsedUp }
  ],
  quota: [perLifetime(50)],
  delivery: "once",
  ifUnknown: {
    en: "It can't be known whether QQ made the mini code. It may count as one of the program's 50; another call may spend one more.",
    zh: "无法确定 QQ 是否已生成小程序码。可能已用掉 50 个中的一个，再次调用可能再用掉一个。"
  }
}))
