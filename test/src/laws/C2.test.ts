/** C2: the bytes of an answer decide whether it is an image or an error. */
import { assert, it } from "@effect/vitest"
import * as Acode from "@qq-mini/core/Acode"
import * as Effect from "effect/Effect"
import { answering, tag } from "../support/answering.ts"
import { image } from "../support/calls.ts"

const gif = new Uint8Array([0x47, 0x49, 0x46, 0x38, 0x39, 0x61, 1, 0, 1, 0, 0, 0, 0, 0x3b])
const jpeg = new Uint8Array([0xff, 0xd8, 0xff, 0xc0, 0, 11, 8, 0, 2, 0, 3, 1, 1, 17, 0, 0xff, 0xd9])
it.live.each([
  ["a PNG called JSON", image, "application/json", "image/png"],
  ["a GIF of 14 bytes", gif, "text/html", "image/gif"],
  ["a JPEG of 17 bytes", jpeg, "", "image/jpeg"],
  ["half a PNG", image.slice(0, 40), "image/png", "OutcomeUnknown"],
  ["a GIF that ends too early", gif.slice(0, 13), "image/gif", "OutcomeUnknown"],
  ["a GIF with a semicolon before its end", new Uint8Array([...gif, 1]), "image/gif", "OutcomeUnknown"],
  ["a GIF in a block filled with zeros", new Uint8Array([...gif, 0, 0]), "image/gif", "image/gif"],
  ["an error called an image", '{"errcode":45029,"errmsg":"x"}', "image/png", "MiniCodesUsedUp"],
  ["a long error", JSON.stringify({ errcode: 41030, errmsg: "x".repeat(5_000) }), "image/png", "PageMissing"],
  ["a plain yes", '{"errcode":0,"errmsg":"ok"}', "application/json", "OutcomeUnknown"],
  ["nothing", "", "image/png", "OutcomeUnknown"]
] as const)("C2: a mini code answered by %s", ([, body, type, expected]) =>
  Effect.gen(function* () {
    const result = yield* tag(Effect.provide(Acode.getMiniCode(), answering(body, 200, type)))
    assert.strictEqual(result instanceof Acode.Image ? result.mediaType : result, expected)
    // a gateway's picture is no mini code
    const refused = yield* tag(Effect.provide(Acode.getMiniCode(), answering(body, 503, type)))
    assert.strictEqual(refused, result instanceof Acode.Image ? "OutcomeUnknown" : expected)
  })
)
