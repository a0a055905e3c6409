/** `prepare`: pictures as people have them, made by real encoders, against a sandbox that looks into what it gets. */
import { assert, describe, it } from "@effect/vitest"
import { framesOf, hidesFrames, tilesOf } from "@qq-mini/core/adapter/pictureParts"
import { InvalidInput } from "@qq-mini/core/QQError"
import * as Security from "@qq-mini/core/Security"
import * as ImagesPreparer from "@qq-mini/edge/ImagesPreparer"
import * as NodeQQMini from "@qq-mini/node/NodeQQMini"
import * as Bmp from "../../packages/node/src/internal/bmp.ts"
import * as SharpImagePreparer from "@qq-mini/node/SharpImagePreparer"
import { hasRiskyColour, riskyColour } from "@qq-mini/sandbox/RiskyColour"
import * as Sandbox from "@qq-mini/sandbox/Sandbox"
import * as SandboxServer from "@qq-mini/sandbox/SandboxServer"
import { encode as encodeBmp } from "bmp-ts"
import * as Effect from "effect/Effect"
import * as fc from "fast-check"
import sharp, { type Color, type Sharp } from "sharp"
import { first, png } from "./support/calls.ts"

const limits = { maxBytes: 1024 * 1024, maxWidth: 750, maxHeight: 1334 }

/** A picture of one colour, with a spot of another. */
const spotted = async (
  width: number,
  height: number,
  spot: { readonly left: number; readonly top: number; readonly side: number } | undefined,
  background: Color = "#35a",
  colour: Color = riskyColour
): Promise<Sharp> => {
  const picture = sharp({ create: { width, height, channels: 4, background } })
  if (spot === undefined) return picture
  const { left, side, top } = spot
  const input = await sharp({ create: { width: side, height: side, channels: 3, background: colour } })
    .png()
    .toBuffer()
  // Encoded once, because sharp does some steps before it puts pictures together.
  return sharp(await picture.composite([{ input, left, top }]).png().toBuffer())
}

const animation = async (frames: number, marked: number | undefined) =>
  sharp(
    await Promise.all(
      Array.from({ length: frames }, async (_, i) => {
        const spot = i === marked ? { left: 10, top: 20, side: 60 } : undefined
        return (await spotted(160, 120, spot, { r: (i * 37) % 150, g: 100 + ((i * 53) % 150), b: (i * 61) % 250 }))
          .png()
          .toBuffer()
      })
    ),
    { join: { animated: true } }
  )

/** A BMP with a spot, as a program on Windows writes it. */
const bmp = async (picture: Sharp) => {
  const { data, info } = await picture.ensureAlpha().raw().toBuffer({ resolveWithObject: true })
  // its pixels are alpha, blue, green, red
  for (let at = 0; at < data.length; at += 4) data.subarray(at, at + 4).reverse()
  return encodeBmp({ data, width: info.width, height: info.height, bitPP: 24 }).data
}

const withSandbox = async <A>(
  run: (
    check: (media: Uint8Array, options?: SharpImagePreparer.Options) => Promise<Security.ImageVerdict>,
    sandbox: SandboxServer.Running
  ) => Promise<A>
): Promise<A> => {
  await using sandbox = await SandboxServer.start({ switches: { imageEitherWayRound: false } })
  return await run(
    (media, options) =>
      Effect.runPromise(
        Effect.provide(
          Security.imgSecCheck({ media, prepare: true }, { deadline: "2 minutes", attemptTimeout: "1 minute" }),
          NodeQQMini.layer({
            appid: first!.appid,
            appsecret: first!.appsecret,
            baseUrl: sandbox.url,
            store: "memory",
            ...(options === undefined ? {} : { imagePreparer: SharpImagePreparer.make(options) })
          })
        )
      ),
    sandbox
  )
}

const corner = { left: 3_900, top: 2_850, side: 160 }

describe("C1: files of real encoders", () => {
  const photos: ReadonlyArray<readonly [string, () => Promise<Uint8Array>, string]> = [
    [
      "a photo of a phone, turned",
      async () => (await spotted(4032, 3024, corner)).jpeg().withMetadata({ orientation: 6 }).toBuffer(),
      "750 × 1000"
    ],
    [
      "a progressive JPEG",
      async () =>
        (await spotted(2000, 1500, corner && { left: 1800, top: 1300, side: 100 }))
          .jpeg({ progressive: true })
          .toBuffer(),
      "750 × 562"
    ],
    [
      "a PNG of 16 bits",
      async () => (await spotted(800, 1600, { left: 10, top: 1500, side: 80 })).toColourspace("rgb16").png().toBuffer(),
      "667 × 1334"
    ],
    [
      "a WebP",
      async () => (await spotted(1200, 800, { left: 1100, top: 700, side: 90 })).webp().toBuffer(),
      "750 × 500"
    ],
    [
      "an AVIF",
      async () => (await spotted(1200, 800, { left: 1100, top: 700, side: 90 })).avif({ effort: 0 }).toBuffer(),
      "750 × 500"
    ],
    [
      "a TIFF",
      async () =>
        (await spotted(1200, 800, { left: 1100, top: 700, side: 90 })).tiff({ compression: "lzw" }).toBuffer(),
      "750 × 500"
    ],
    ["a BMP", async () => bmp(await spotted(1200, 800, { left: 1100, top: 700, side: 90 })), "750 × 500"],
    [
      "a small PNG as it is",
      async () => (await spotted(40, 30, { left: 5, top: 5, side: 10 })).png().toBuffer(),
      "40 × 30"
    ]
  ]

  it.each(photos)("%s: turned, made smaller, and its spot is seen", { timeout: 120_000 }, async (_, make, shape) => {
    await withSandbox(async (check, sandbox) => {
      const verdict = await check(await make())
      assert.isTrue(verdict.risky)
      assert.lengthOf(verdict.parts!, 1)
      const [{ height, mediaType, size, width }] = verdict.parts as [Security.CheckedPart]
      assert.strictEqual(`${width} × ${height}`, shape)
      assert.strictEqual(mediaType, "image/jpeg")
      assert.isAtMost(size, limits.maxBytes)
      const sent = (await sandbox.run(({ log }) => log)).find(({ endpoint }) => endpoint === "security.imgSecCheck")
      assert.strictEqual(sent?.code, 0)
    })
  })

  it("a CMYK JPEG: in the colours that it is seen in", async () => {
    const picture = await sharp({ create: { width: 900, height: 600, channels: 3, background: "#e33" } })
      .toColourspace("cmyk")
      .jpeg()
      .toBuffer()
    const prepared = await SharpImagePreparer.make()(picture, limits, new AbortController().signal)
    const [{ bytes }] = prepared as readonly [{ readonly bytes: Uint8Array }]
    const { data, info } = await sharp(bytes).raw().toBuffer({ resolveWithObject: true })
    assert.deepStrictEqual([info.width, info.height, info.channels], [750, 500, 3])
    const [red, green, blue] = data as unknown as [number, number, number]
    assert.isTrue(red > 180 && green < 100 && blue < 100, `${red} ${green} ${blue}`)
  })

  it.each(["gif", "webp"] as const)(
    "an animated %s whose risky frame is in the middle",
    { timeout: 120_000 },
    async (format) => {
      await withSandbox(async (check) => {
        const marked = await (await animation(60, 37))[format]().toBuffer()
        const verdict = await check(marked)
        assert.isTrue(verdict.risky)
        assert.deepStrictEqual(
          verdict.parts?.filter(({ risky }) => risky).map(({ frame }) => frame),
          [37]
        )
        const good = await check(await (await animation(60, undefined))[format]().toBuffer())
        assert.isFalse(good.risky)
        const frames = good.parts!.map(({ frame }) => frame)
        assert.lengthOf(frames, 12)
        assert.includeMembers(frames, [0, 1, 59])
      })
    }
  )

  it("a panorama of 10,000 × 500 is cut, not shrunk, and each spot is in a part", { timeout: 120_000 }, async () => {
    await withSandbox(async (check) => {
      const verdict = await check(
        await (await spotted(10_000, 500, { left: 6_700, top: 230, side: 50 })).png().toBuffer()
      )
      assert.isTrue(verdict.risky)
      for (const { area, height, width } of verdict.parts!) {
        assert.deepStrictEqual([width, height, area?.height], [750, 500, 500])
      }
      assert.isFalse((await check(await (await spotted(10_000, 500, undefined)).png().toBuffer())).risky)
    })
  })

  it("a transparent picture: what is seen on white alone, and on black alone", { timeout: 120_000 }, async () => {
    await withSandbox(async (check) => {
      const clear = { r: 0, g: 0, b: 0, alpha: 0 }
      const verdict = await check(
        await (await spotted(100, 100, { left: 10, top: 10, side: 10 }, clear, "#fff")).png().toBuffer()
      )
      assert.lengthOf(verdict.parts!, 2)
    })
  })

  it("frames that differ only in what is transparent", { timeout: 120_000 }, async () => {
    const clear = { r: 0, g: 0, b: 0, alpha: 0 }
    const frame = async (i: number) =>
      (await spotted(160, 120, i === 5 ? { left: 10, top: 20, side: 60 } : undefined, clear, "#fff")).png().toBuffer()
    const frames = sharp(await Promise.all(Array.from({ length: 8 }, (_, i) => frame(i))), { join: { animated: true } })
    await withSandbox(async (check) => {
      const { parts } = await check(await frames.webp().toBuffer())
      // The encoder makes one of equal frames. Each is sent on white and on black.
      assert.deepStrictEqual(
        parts!.map(({ frame }) => frame),
        [0, 0, 1, 1]
      )
    })
  })

  it("turned pages of a TIFF: each is whole", { timeout: 120_000 }, async () => {
    // Turned, the right end is the lower one.
    const page = async (left: number) => (await spotted(200, 120, { left, top: 10, side: 20 })).png().toBuffer()
    const pages = sharp([await page(10), await page(170)], { join: { animated: true } })
    await withSandbox(async (check) => {
      const { parts } = await check(await pages.withMetadata({ orientation: 6 }).tiff().toBuffer())
      assert.deepStrictEqual(
        parts!.map(({ frame, height, risky, width }) => [frame, width, height, risky]),
        [
          [0, 120, 200, true],
          [1, 120, 200, true]
        ]
      )
    })
  })

  const refused: ReadonlyArray<readonly [string, () => Promise<Uint8Array>, RegExp]> = [
    [
      "a bomb",
      () =>
        sharp({ create: { width: 12_000, height: 12_000, channels: 3, background: "#fff" } })
          .png()
          .toBuffer(),
      /12000 × 12000 pixels; at most 64,000,000/
    ],
    [
      "a BMP that says it is a bomb",
      async () => {
        const bytes = await bmp(await spotted(10, 10, undefined))
        bytes.writeInt32LE(2 ** 30, 18)
        return bytes
      },
      /pixels; at most/
    ],
    [
      "a JPEG that is cut off",
      async () =>
        (await spotted(900, 900, undefined))
          .jpeg()
          .toBuffer()
          .then((bytes) => bytes.subarray(0, bytes.length / 2)),
      /can't be decoded.*cut off/
    ],
    [
      "a PNG that is cut off",
      async () =>
        (await spotted(900, 900, undefined))
          .png({ compressionLevel: 0 })
          .toBuffer()
          .then((bytes) => bytes.subarray(0, bytes.length / 2)),
      /can't be decoded/
    ],
    [
      "an SVG",
      async () => Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'),
      /can't be decoded/
    ],
    ["a text", async () => Buffer.from("hello, hello, hello, hello"), /can't be decoded/],
    [
      "an animated PNG",
      async () => {
        const bytes = Buffer.from(png(8, 8))
        // a chunk acTL before the pixels
        const chunk = Buffer.concat([Buffer.from([0, 0, 0, 8]), Buffer.from("acTL"), Buffer.alloc(12)])
        return Buffer.concat([bytes.subarray(0, 33), chunk, bytes.subarray(33)])
      },
      /animation whose frames can't be read/
    ],
    [
      "a GIF that is cut off within its last frame",
      async () => (await (await animation(3, 2)).gif().toBuffer()).subarray(0, -10),
      /can't be decoded.*cut off/
    ],
    [
      "an AVIF that is cut off",
      async () => (await (await spotted(90, 90, undefined)).avif({ effort: 0 }).toBuffer()).subarray(0, -20),
      /can't be decoded.*cut off/
    ],
    [
      "a GIF of very many tiny frames",
      async () => {
        const bytes = await sharp(png(1, 1)).gif().toBuffer()
        const [start, end] = [bytes.indexOf(0x2c, 13), bytes.length - 1]
        const frames = Array.from({ length: 1_001 }, () => bytes.subarray(start, end))
        return Buffer.concat([bytes.subarray(0, start), ...frames, bytes.subarray(end)])
      },
      /has 1,001 frames; at most 1,000/
    ],
    [
      "an endless scroll",
      async () => (await spotted(30, 60_000, undefined)).png().toBuffer(),
      /so long that it needs 52 parts; at most 32/
    ]
  ]

  it.each(refused)("not %s, and nothing is sent", { timeout: 120_000 }, async (_, make, expected) => {
    await withSandbox(async (check, sandbox) => {
      const error = await check(await make()).then(() => assert.fail("was checked"), String)
      assert.match(error, expected)
      assert.strictEqual(await sandbox.run(({ count }) => count("security.imgSecCheck")), 0)
    })
  })
})

describe("C1: a function of one's own", () => {
  const run = (prepare: Security.ImageInput["prepare"]) =>
    Security.imgSecCheck({ media: "aGVsbG8=", prepare }).pipe(
      Effect.provide(Sandbox.layerWith({ isRiskyImage: hasRiskyColour }))
    )
  const risky = async () => (await spotted(40, 30, { left: 5, top: 5, side: 10 })).png().toBuffer()

  it("gets the bytes and the limits, and every part must pass", async () => {
    const spot = await risky()
    const good = png(8, 8)
    const verdict = await Effect.runPromise(
      run((picture, given) => {
        assert.strictEqual(new TextDecoder().decode(picture), "hello")
        assert.deepStrictEqual(given, limits)
        return [good, { bytes: spot, frame: 3 }]
      })
    )
    assert.isTrue(verdict.risky)
    assert.deepStrictEqual(
      verdict.parts?.map(({ frame, risky }) => [frame, risky]),
      [
        [undefined, false],
        [3, true]
      ]
    )
    assert.isFalse((await Effect.runPromise(run(() => good))).risky)
  })

  const wrong: ReadonlyArray<readonly [string, Security.ImageInput["prepare"], RegExp]> = [
    ["none", true, /prepare: needs a preparer: on Node npm install sharp/],
    [
      "one that throws",
      () => {
        throw new TypeError("secret")
      },
      /the function failed \(TypeError\)/
    ],
    ["one that rejects", () => Promise.reject(new Error("secret")), /the function failed \(an unknown error\)/],
    [
      "one that says what is wrong",
      () => {
        throw new InvalidInput({ field: "media", problem: { en: "is ugly", zh: "不好看" } })
      },
      /media: is ugly/
    ],
    [
      "one that gives an object that throws",
      () => ({
        get bytes(): Uint8Array {
          throw new TypeError("secret")
        }
      }),
      /the function failed \(TypeError\)/
    ],
    ["one that gives nothing", () => [], /returned no picture/],
    ["one that gives something else", (() => "x") as never, /other than bytes/],
    ["one that gives what QQ refuses", () => png(2_000, 2_000), /QQ refuses: it is 2000 × 2000 pixels/],
    ["what is no function", "yes" as never, /prepare: must be true, false or a function/]
  ]
  it.each(wrong)("%s: the error says so, and nothing passes", async (_, prepare, expected) => {
    const error = await Effect.runPromise(Effect.flip(run(prepare)))
    assert.match(error.message, expected)
    assert.notInclude(error.message, "secret")
  })

  it("the Images binding: one that is not configured, and one that fails", async () => {
    const missing = await Effect.runPromise(Effect.flip(run(ImagesPreparer.make(undefined as never))))
    assert.match(missing.message, /prepare: needs the Images binding/)
    const fail = () => Promise.reject(Object.assign(new Error("secret"), { code: 9422 }))
    const failing = run(ImagesPreparer.make({ info: fail, input: () => assert.fail("was used") }))
    const { message } = await Effect.runPromise(Effect.flip(failing))
    assert.match(message, /media: can't be decoded by the Images binding \(error 9422\)/)
    assert.notInclude(message, "secret")
  })

  it("one that does not end: the deadline ends it, and its signal", async () => {
    const aborted = Promise.withResolvers<void>()
    const call = Security.imgSecCheck(
      {
        media: "aGVsbG8=",
        prepare: (_, __, signal) => {
          signal.addEventListener("abort", () => aborted.resolve())
          return new Promise(() => {})
        }
      },
      { deadline: 50 }
    )
    const error = await Effect.runPromise(Effect.flip(Effect.provide(call, Sandbox.layer)))
    assert.deepInclude(error.reason, { _tag: "TimedOut", during: "media" })
    await aborted.promise
  })
  /** A BMP whose pixels do not follow its header at once. */
  const bmpOf = (
    bits: number,
    compression: number,
    width: number,
    height: number,
    after: ReadonlyArray<number>,
    rows: Uint8Array
  ) => {
    const header = Buffer.alloc(54)
    header.write("BM")
    header.writeUInt32LE(54 + after.length + 8, 10)
    header.writeUInt32LE(40, 14)
    header.writeInt32LE(width, 18)
    header.writeInt32LE(height, 22)
    header.writeUInt16LE(bits, 28)
    header.writeUInt32LE(compression, 30)
    if (bits <= 8) header.writeUInt32LE(after.length / 4, 46)
    return Buffer.concat([header, Buffer.from(after), Buffer.alloc(8), rows])
  }

  describe("C1: the pixels of a BMP", () => {
    const blackAndRisky = [0, 0, 0, 0, 255, 0, 255, 0]
    const masks = (...list: ReadonlyArray<number>) =>
      list.flatMap((mask) => [...Buffer.from(Uint32Array.of(mask).buffer)])
    // Of each, the upper one of two rows is black, and the lower one has the risky colour. The width is odd.
    const kinds: ReadonlyArray<readonly [string, Uint8Array]> = [
      ["1 bit", bmpOf(1, 0, 3, 2, blackAndRisky, Uint8Array.of(0xe0, 0, 0, 0, 0, 0, 0, 0))],
      ["4 bits", bmpOf(4, 0, 3, 2, blackAndRisky, Uint8Array.of(0x11, 0x10, 0, 0, 0, 0, 0, 0))],
      ["8 bits", bmpOf(8, 0, 3, 2, blackAndRisky, Uint8Array.of(1, 1, 1, 0, 0, 0, 0, 0))],
      ["8 bits from above", bmpOf(8, 0, 3, -2, blackAndRisky, Uint8Array.of(0, 0, 0, 0, 1, 1, 1, 0))],
      ["16 bits", bmpOf(16, 0, 1, 2, [], Uint8Array.of(0x1f, 0x7c, 0, 0, 0, 0, 0, 0))],
      [
        "16 bits with masks",
        bmpOf(16, 3, 1, 2, masks(0xf800, 0x7e0, 0x1f), Uint8Array.of(0x1f, 0xf8, 0, 0, 0, 0, 0, 0))
      ],
      ["24 bits", bmpOf(24, 0, 1, 2, [], Uint8Array.of(255, 0, 255, 0, 0, 0, 0, 0))],
      ["32 bits", bmpOf(32, 0, 1, 2, [], Uint8Array.of(255, 0, 255, 0, 0, 0, 0, 255))],
      [
        "32 bits with masks",
        bmpOf(32, 3, 1, 2, masks(0xff000000, 0xff0000, 0xff00), Uint8Array.of(0, 255, 0, 255, 0, 0, 0, 0))
      ]
    ]
    it.each(kinds)("%s", (_, bytes) => {
      const { height, pixels, width } = Bmp.open(bytes)!
      const row = (...colour: ReadonlyArray<number>) => Array.from({ length: width }, () => colour).flat()
      assert.deepStrictEqual([height, [...pixels()!]], [2, [...row(0, 0, 0), ...row(255, 0, 255)]])
    })

    it("compressed, or cut off: refused", () => {
      for (const compression of [1, 2, 4, 5]) {
        assert.isUndefined(Bmp.open(bmpOf(4, compression, 3, 2, blackAndRisky, Buffer.alloc(8)))?.pixels())
      }
      for (const [, bytes] of kinds) {
        for (let end = 0; end < bytes.length; end++) assert.isUndefined(Bmp.open(bytes.subarray(0, end))?.pixels())
      }
    })
  })
})

describe("I1: the options of the preparer", () => {
  it.each([
    ["atOnce", 0],
    ["maxFrames", 1.5],
    ["maxPixels", NaN],
    ["maxParts", "9"],
    ["maxPixel", 9]
  ])("%s: %s is refused", (name, value) => {
    assert.throws(
      () => SharpImagePreparer.make({ [name]: value }),
      new RegExp(`InvalidConfig: imagePreparer.${name}: `)
    )
  })
})

describe("what is checked of a picture", () => {
  it("tiles: within the limits, and together the whole picture", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20_000 }), fc.integer({ min: 1, max: 20_000 }), (width, height) => {
        const tiles = tilesOf(width, height, limits)
        let [right, bottom] = [0, 0]
        for (const { area, ...sent } of tiles) {
          assert.isAtMost(sent.width, limits.maxWidth)
          assert.isAtMost(sent.height, limits.maxHeight)
          // no gap to the tile before
          assert.isAtMost(area.left, right)
          assert.isAtMost(area.top, bottom)
          right = Math.max(right, area.left + area.width)
          bottom = Math.max(bottom, area.top + area.height)
        }
        assert.deepStrictEqual([right, bottom], [width, height])
      })
    )
  })

  it("frames: the first, the second, the last, and the one that is unlike all others", () => {
    fc.assert(
      fc.property(fc.integer({ min: 4, max: 400 }), fc.nat(), fc.integer({ min: 4, max: 16 }), (count, seed, max) => {
        const odd = seed % count
        const thumbnails = Array.from({ length: count }, (_, i) => Uint8Array.of(i % 256, i >> 8, i === odd ? 255 : 0))
        const frames = framesOf(thumbnails, max)
        assert.isAtMost(frames.length, max)
        assert.includeMembers([...frames], [0, 1, count - 1, odd])
        assert.deepStrictEqual(
          frames,
          frames.toSorted((a, b) => a - b)
        )
      })
    )
    assert.deepStrictEqual(framesOf([Uint8Array.of(1), Uint8Array.of(1), Uint8Array.of(1)], 8), [0])
  })

  it("any bytes: whether they hide frames is known without an error", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => typeof hidesFrames(bytes) === "boolean"))
    const isoFile = (...brands: ReadonlyArray<string>) =>
      Buffer.from(
        `\0\0\0${String.fromCharCode(12 + 4 * brands.length)}ftyp${brands[0]}\0\0\0\0${brands.slice(1).join("")}`
      )
    assert.isTrue(hidesFrames(isoFile("avif", "mif1", "avis")))
    assert.isFalse(hidesFrames(isoFile("avif", "mif1", "miaf")))
  })
})
