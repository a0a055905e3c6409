import * as Acode from "@qq-mini/core/Acode"
import * as Effect from "effect/Effect"
import * as QRCode from "qrcode"

/** Draws the code that opens a program, or one of its pages. Fails if the path is too long for a code. */
export const miniCode = (appid: string, path: string | undefined): Effect.Effect<Acode.Image, unknown> =>
  Effect.tryPromise(async () => {
    const query = path === undefined ? "" : `?s=${encodeURIComponent(path.toWellFormed())}`
    const bytes = await QRCode.toBuffer(`https://m.q.qq.com/a/p/${appid}${query}`, { scale: 6, margin: 4 })
    return new Acode.Image(new Uint8Array(bytes), "image/png")
  })
