/** I1: a picture is taken in every form in which people hold one, read once and within the limit. */
import { assert, describe, it, layer } from "@effect/vitest"
import * as Security from "@qq-mini/core/Security"
import * as Sandbox from "@qq-mini/sandbox/Sandbox"
import * as Effect from "effect/Effect"
import { openAsBlob, createReadStream } from "node:fs"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Readable } from "node:stream"
import { ReadableStream } from "node:stream/web"
import { image, png } from "./support/calls.ts"

const base64 = Buffer.from(image).toString("base64")
const shared = new Uint8Array(new SharedArrayBuffer(image.length))
shared.set(image)

/** An endless stream, with what was done to it. */
const endless = () => {
  const seen = { chunks: 0, ended: false }
  const stream = async function* () {
    try {
      for (;;) {
        seen.chunks++
        yield new Uint8Array(64 * 1024)
      }
    } finally {
      seen.ended = true
    }
  }
  return { seen, stream: stream() }
}

const givenAway = <A>(view: (buffer: ArrayBuffer) => A): A => {
  const { buffer } = image.slice()
  const viewed = view(buffer)
  structuredClone(buffer, { transfer: [buffer] })
  return viewed
}

const forms: Readonly<Record<string, () => Security.ImageInput["media"] & {}>> = {
  "a Uint8Array": () => image,
  "a Buffer": () => Buffer.from(image),
  "an ArrayBuffer": () => image.slice().buffer,
  "a DataView of a part": () => new DataView(Uint8Array.from([1, 2, ...image, 3]).buffer, 2, image.length),
  "a SharedArrayBuffer": () => shared.buffer,
  "a Blob": () => new Blob([image.slice()]),
  "a File": () => new File([image.slice()], "photo.png"),
  "the body of a Response": () => new Response(image.slice()).body!,
  "a stream of the web in single bytes": () => ReadableStream.from(Array.from(image, (byte) => Uint8Array.of(byte))),
  "a stream of Node": () => Readable.from([image.subarray(0, 9), image.subarray(9)].map((part) => Buffer.from(part))),
  "a stream that uses its memory again": () =>
    (async function* () {
      const memory = new Uint8Array(1)
      for (const byte of image) {
        memory[0] = byte
        yield memory
      }
    })(),
  base64: () => base64,
  "base64 without padding": () => base64.replace(/=+$/, ""),
  "base64 for URLs": () => Buffer.from(image).toString("base64url"),
  "base64 in lines": () => base64.replace(/.{20}/g, "$&\r\n  "),
  "base64 from a form that was not escaped": () => base64.replaceAll("+", " "),
  "a data URL": () => `data:image/png;name=x;base64,${base64}`
}

const wrong: ReadonlyArray<readonly [string, () => unknown, RegExp]> = [
  ["a file of multer", () => ({ buffer: Buffer.from(image), mimetype: "image/png" }), /give file\.buffer/],
  ["a file of express-fileupload", () => ({ data: Buffer.from(image), mimetype: "image/png" }), /file\.data/],
  ["a file of multer on the disk", () => ({ path: "/tmp/x", mimetype: "image/png" }), /createReadStream\(file\.path\)/],
  ["a file of formidable", () => ({ filepath: "/tmp/x" }), /createReadStream\(file\.filepath\)/],
  ["a part of fastify", () => ({ file: Readable.from([image]), fields: {} }), /part\.file/],
  ["a Buffer through JSON", () => JSON.parse(JSON.stringify(Buffer.from(image))), /Buffer\.from\(media\.data\)/],
  ["a Response", () => new Response(image.slice()), /await response\.arrayBuffer\(\)/],
  ["a promise", () => Promise.resolve(image), /await/],
  ["an address", () => "https://example.com/x.png", /is an address and not a picture/],
  ["a path", () => "/tmp/photo.jpg", /must be bytes, a Blob/],
  ["a list of numbers", () => [...image], /must be bytes, a Blob/],
  ["a list of files", () => [{ buffer: Buffer.from(image) }], /is a list of files: check them one by one/],
  ["a form", () => new FormData(), /give form\.get\("…"\)/],
  ["memory that was given away", () => givenAway((buffer) => buffer), /is empty/],
  ["a view of memory that was given away", () => givenAway((buffer) => new DataView(buffer)), /is empty/],
  ["a Blob of its own kind that gives no bytes", () => ({ size: 9, arrayBuffer: async () => 5e12 }), /must be bytes/],
  [
    "a stream of its own kind that gives nothing",
    () => ({ getReader: () => ({ read: () => null }) }),
    /stream of text/
  ],
  [
    "a stream that fails at once",
    () => ({
      [Symbol.asyncIterator]: () => {
        throw new TypeError("secret")
      }
    }),
    /can't be read \(TypeError\)/
  ],
  ["a stream of text", () => Readable.from([base64]), /stream of text or objects/],
  ["an empty Blob", () => new Blob([]), /is empty/],
  [
    "a Blob too large",
    () => new Blob([new Uint8Array(2 ** 20 + 1)]),
    /1,048,577 bytes; .*: prepare: true takes larger pictures and other formats/
  ],
  ["bytes of another format", () => Buffer.from("RIFF....WEBP"), /is not a PNG.*: prepare: true takes/],
  [
    "a stream that fails",
    () => new ReadableStream({ pull: () => Promise.reject(new TypeError("secret")) }),
    /can't be read \(TypeError\)/
  ]
]

layer(Sandbox.layer)("I1: the forms of a picture", (it) => {
  const sentIs = (expected: number) =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.Sandbox
      assert.strictEqual(yield* sandbox.count("security.imgSecCheck"), expected)
      yield* sandbox.clearLog
    })

  for (const [name, form] of Object.entries(forms)) {
    it.effect(name, () =>
      Effect.gen(function* () {
        const sandbox = yield* Sandbox.Sandbox
        yield* sandbox.markRisky(image)
        // risky, so that these very bytes arrived
        assert.deepStrictEqual(yield* Security.imgSecCheck({ media: form() }), { risky: true })
        const other = Security.imgSecCheck({ media: png(9, 9) })
        assert.deepStrictEqual(yield* other, { risky: false })
        yield* sentIs(2)
      })
    )
  }

  for (const [name, form, expected] of wrong) {
    it.effect(`not ${name}`, () =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(Security.imgSecCheck({ media: form() as Uint8Array }))
        assert.match(error.message, expected)
        assert.notInclude(error.message, "secret")
        yield* sentIs(0)
      })
    )
  }

  it.effect("base64 by that name, and not beside media", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* Security.imgSecCheck({ base64 }), { risky: true })
      const both = Security.imgSecCheck({ base64, media: image } as never)
      assert.match((yield* Effect.flip(both)).message, /base64: is given beside media/)
      const none = Security.imgSecCheck({} as never)
      assert.match((yield* Effect.flip(none)).message, /media: is required and missing/)
      yield* sentIs(1)
    })
  )
})

describe("I1: streams that do not end", () => {
  it.live("a stream is cut off at the limit, and closed", () =>
    Effect.gen(function* () {
      const { seen, stream } = endless()
      const error = yield* Effect.flip(Security.imgSecCheck({ media: stream }))
      assert.match(error.message, /more than 1,048,576 bytes/)
      assert.strictEqual(seen.chunks, 17)
      yield* Effect.repeat(Effect.yieldNow, { until: () => seen.ended })
    }).pipe(Effect.provide(Sandbox.layer))
  )

  it.live("a stream that does not end is left at the deadline, and closed", () =>
    Effect.gen(function* () {
      let cancelled = false
      const media = new ReadableStream<Uint8Array>({ cancel: () => void (cancelled = true) })
      const error = yield* Effect.flip(Security.imgSecCheck({ media }, { deadline: 50 }))
      assert.deepInclude(error.reason, { _tag: "TimedOut", during: "media" })
      yield* Effect.repeat(Effect.yieldNow, { until: () => cancelled })
    }).pipe(Effect.provide(Sandbox.layer))
  )
})

describe("files", () => {
  it("on the disk, as a stream and as a Blob", async () => {
    const folder = await mkdtemp(join(tmpdir(), "qq-mini-picture-"))
    try {
      const path = join(folder, "photo.png")
      await writeFile(path, image)
      const check = (media: Security.ImageInput["media"] & {}) =>
        Effect.runPromise(Effect.provide(Security.imgSecCheck({ media }), Sandbox.layer))
      assert.deepStrictEqual(await check(createReadStream(path)), { risky: false })
      assert.deepStrictEqual(await check(await openAsBlob(path)), { risky: false })
    } finally {
      await rm(folder, { recursive: true })
    }
  })
})
