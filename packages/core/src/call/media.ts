/** Reads a picture from the forms in which people hold one. */
import * as Effect from "effect/Effect"
import * as Base64 from "effect/encoding/Base64"
import * as Result from "effect/Result"
import { group } from "../internal/schema.ts"
import { functions, peek, shown } from "../internal/shown.ts"

/** A `Blob` or a `File`. */
export interface BlobLike {
  readonly size: number
  readonly arrayBuffer: () => PromiseLike<ArrayBuffer>
}

/** A web `ReadableStream` of bytes. */
export interface ByteStream {
  readonly getReader: () => {
    readonly read: () => PromiseLike<{ readonly done: boolean; readonly value?: unknown }>
    readonly cancel: () => PromiseLike<void>
  }
}

/**
 * A picture: bytes (`Uint8Array`, `Buffer`, `ArrayBuffer` or another view), a `Blob` or `File`, a stream of bytes of
 * the web or of Node, base64, or a base64 data URL.
 */
export type Media = string | ArrayBufferLike | ArrayBufferView | BlobLike | ByteStream | AsyncIterable<unknown>

/** What is wrong with a picture, in English and Chinese. */
export class Problem {
  readonly en: string
  readonly zh: string
  constructor(en: string, zh: string) {
    this.en = en
    this.zh = zh
  }
}

const nameOf = (u: unknown): string => Object.prototype.toString.call(u).slice(8, -1)

/** The bytes of a value in memory. `undefined` if it holds none. */
export const bytesOf = (u: unknown): Uint8Array | undefined => {
  if (u instanceof Uint8Array) return u
  if (ArrayBuffer.isView(u)) return held(() => new Uint8Array(u.buffer, u.byteOffset, u.byteLength))
  // By name, because a buffer may come from another realm.
  const name = nameOf(u)
  if (name === "ArrayBuffer") return held(() => new Uint8Array(u as ArrayBuffer))
  // Copied, because HTTP clients refuse shared memory.
  return name === "SharedArrayBuffer" ? new Uint8Array(u as SharedArrayBuffer).slice() : undefined
}

// Memory that was handed to another thread holds nothing, and can't be viewed.
const held = (view: () => Uint8Array) => Result.getOrElse(Result.try(view), () => new Uint8Array(0))

/** The problem of a picture with too many bytes. */
export class TooLarge extends Problem {}

const tooLarge = (size: number, max: number): Problem =>
  new TooLarge(
    `is ${group(size)} bytes; at most ${group(max)} (${max / 1024 ** 2} MB) are allowed`,
    `大小为 ${group(size)} 字节，超过上限 ${max / 1024 ** 2} MB`
  )

const wrongKind = new Problem(
  "must be bytes, a Blob or File, a stream of bytes, base64 or a base64 data URL",
  "必须是字节数据、Blob 或 File、字节流、base64 或 base64 编码的 data URL"
)
const use = (code: string) => new Problem(`is not the file itself: give ${code}`, `不是文件内容：请传入 ${code}`)

const isText = (u: unknown): u is string => typeof u === "string"
const isFunction = (u: unknown): u is Function => typeof u === "function"
const isStream = (u: unknown): u is ByteStream => isFunction(peek(u, "getReader"))
const isBlob = (u: unknown): u is BlobLike => isFunction(peek(u, "arrayBuffer")) && typeof peek(u, "size") === "number"
const isIterable = (u: unknown): u is AsyncIterable<unknown> => isFunction(peek(u, Symbol.asyncIterator))

/** What to write instead of an object that has the picture in one of its fields. */
const hint = (u: unknown): Problem => {
  if (bytesOf(peek(u, "buffer")) !== undefined) return use("file.buffer")
  if (bytesOf(peek(u, "data")) !== undefined) return use("file.data")
  if (peek(u, "type") === "Buffer" && Array.isArray(peek(u, "data"))) return use("Buffer.from(media.data)")
  if (isStream(peek(u, "body"))) return use("await response.arrayBuffer()")
  if (isIterable(peek(u, "file"))) return use("part.file")
  const path = ["filepath", "path", "tempFilePath"].find((name) => isText(peek(u, name)))
  if (path !== undefined) return use(`fs.createReadStream(file.${path})`)
  if (isFunction(peek(u, "then"))) return use("await …")
  if (isFunction(peek(u, "getAll"))) return use('form.get("…")')
  if (Array.isArray(u) && typeof u[0] === "object") {
    return new Problem("is a list of files: check them one by one", "是文件列表：请逐个检查")
  }
  return wrongKind
}

// A form turns each `+` of an unescaped base64 into a blank. Line breaks are those of MIME.
const unform = (text: string) => text.replace(/[\r\n]\s*/g, "").replace(/ /g, "+")
const unpad = /={1,2}$/
const padded = (text: string) => text.padEnd(Math.ceil(text.length / 4) * 4, "=")

const dataUrl = /^\s*data:[^,]*;base64,/i

const ofBase64 = (text: string, max: number): Uint8Array | Problem => {
  if (/^\s*(?:https?|ftp|file|cloud|blob|wxfile|qqfile):/i.test(text)) {
    return new Problem("is an address and not a picture: read the file first", "是地址而不是图片：请先读取文件内容")
  }
  // Base64 is a third longer than its bytes. With line breaks it is a little more.
  if (text.length > max * 1.5 + 1_000) return tooLarge(Math.floor(text.length * 0.75), max)
  const plain = unform(text.replace(dataUrl, "").trim()).replace(unpad, "").replace(/-/g, "+").replace(/_/g, "/")
  return Result.getOrElse(Base64.decode(padded(plain)), () => wrongKind)
}

/** I1: the bytes of a picture that is in memory, or what is wrong with it. */
export const inMemory = (u: unknown, max: number): Uint8Array | Problem => {
  const bytes = isText(u) ? ofBase64(u, max) : bytesOf(u)
  if (bytes === undefined) return hint(u)
  if (bytes instanceof Problem) return bytes
  if (bytes.length === 0) return new Problem("is empty", "不能为空")
  return bytes.length > max ? tooLarge(bytes.length, max) : bytes
}

const unreadable = (cause: unknown) => {
  const name = shown(cause, functions)
  return new Problem(`can't be read (${name})`, `无法读取（${name}）`)
}

const attempt = (read: () => unknown): Effect.Effect<unknown, Problem> =>
  Effect.tryPromise({ try: () => Promise.resolve(read()), catch: unreadable })

/** Reads a stream to its end. It is cut off as soon as it has more than `max` bytes. */
const readAll = (read: () => unknown, stop: () => unknown, max: number): Effect.Effect<Uint8Array, Problem> =>
  Effect.gen(function* (): Effect.fn.Return<Uint8Array, Problem> {
    const chunks: Array<Uint8Array> = []
    let size = 0
    for (;;) {
      // A stream of one's own may give anything.
      const { done, value } = Object(yield* attempt(read)) as { readonly done?: boolean; readonly value?: unknown }
      if (done) break
      const bytes = bytesOf(value)
      if (bytes === undefined) {
        return yield* Effect.fail(
          new Problem("is a stream of text or objects: it must give bytes", "是文本流或对象流：必须是字节流")
        )
      }
      size += bytes.length
      if (size > max) {
        return yield* Effect.fail(
          new TooLarge(
            `is a stream of more than ${group(max)} bytes (${max / 1024 ** 2} MB)`,
            `是字节流，大小超过上限 ${max / 1024 ** 2} MB`
          )
        )
      }
      // A copy, because a stream may use the memory of a chunk again.
      chunks.push(bytes.slice())
    }
    const whole = new Uint8Array(size)
    let at = 0
    for (const chunk of chunks) {
      whole.set(chunk, at)
      at += chunk.length
    }
    return whole
  }).pipe(
    // Nobody waits for it, because a stream may never end.
    Effect.onError(() => Effect.forkDetach(Effect.ignore(attempt(stop))))
  )

/**
 * Reads a picture that is not in memory: a `Blob`, a `File` or a stream. `undefined` for anything else. Nothing is read
 * if its size is known and too large.
 */
export const fromElsewhere = (u: unknown, max: number): Effect.Effect<Uint8Array, Problem> | undefined => {
  if (typeof u !== "object" || u === null || bytesOf(u) !== undefined) return undefined
  if (isBlob(u)) {
    if (u.size > max) return Effect.fail(tooLarge(u.size, max))
    return Effect.flatMap(
      attempt(() => u.arrayBuffer()),
      (buffer) => {
        const bytes = bytesOf(buffer)
        return bytes === undefined ? Effect.fail(wrongKind) : Effect.succeed(bytes)
      }
    )
  }
  if (isStream(u)) {
    return Effect.flatMap(
      Effect.try({
        try: () => u.getReader(),
        catch: () => new Problem("is a stream that is read already", "是已被读取的流")
      }),
      (reader) =>
        readAll(
          () => reader.read(),
          () => reader.cancel(),
          max
        )
    )
  }
  if (isIterable(u)) {
    return Effect.flatMap(Effect.try({ try: () => u[Symbol.asyncIterator](), catch: unreadable }), (iterator) =>
      readAll(
        () => iterator.next(),
        () => iterator.return?.(),
        max
      )
    )
  }
  return undefined
}
