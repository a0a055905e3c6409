/**
 * Undoes the content coding of an answer, as `fetch` does. The client asks for none, but a gateway may use one all the
 * same.
 */
import * as Image from "../call/image.ts"
import type { Response } from "./types.ts"

/** Undoes one coding. Resolves with `undefined` if the result would be larger than `maxBytes`. */
type Decode = (bytes: Uint8Array, maxBytes: number) => Promise<Uint8Array | undefined>

/** The codings that a runtime can undo, by their names in `content-encoding`. */
export type Decoders = ReadonlyMap<string, Decode>

type OneShot = (
  bytes: Uint8Array,
  options: { readonly maxOutputLength: number },
  done: (error: (Error & { readonly code?: string }) | null, decoded: Uint8Array) => void
) => void

/** The part of `node:zlib` that undoes codings. */
export interface Zlib {
  readonly brotliDecompress: OneShot
  readonly gunzip: OneShot
  readonly inflate: OneShot
  readonly inflateRaw: OneShot
}

const by =
  (decode: OneShot): Decode =>
  (bytes, maxOutputLength) =>
    new Promise((resolve, reject) =>
      decode(bytes, { maxOutputLength }, (error, decoded) => {
        if (error === null) resolve(decoded)
        else if (error.code === "ERR_BUFFER_TOO_LARGE") resolve(undefined)
        else reject(error)
      })
    )

/** Makes decoders from `node:zlib`. Its `maxOutputLength` bounds the memory: an answer of 1 MB may decode to 1 GB. */
export const zlibDecoders = ({ brotliDecompress, gunzip, inflate, inflateRaw }: Zlib): Decoders => {
  // Some servers leave out the header of zlib, whose first byte ends with 8.
  const deflate: Decode = (bytes, maxBytes) => by((bytes[0]! & 0x0f) === 8 ? inflate : inflateRaw)(bytes, maxBytes)
  return new Map([
    ["gzip", by(gunzip)],
    ["x-gzip", by(gunzip)],
    ["deflate", deflate],
    ["br", by(brotliDecompress)]
  ])
}

/**
 * Undoes the codings in the header `content-encoding`, of which the last is undone first. Rejects if the bytes are
 * incomplete or broken. I2: a result larger than `maxBytes` becomes an answer that announces more.
 */
export const decode = (decoders: Decoders, codings: string, response: Response, maxBytes: number): Promise<Response> =>
  codings.split(",").reduceRight(
    (before, name) =>
      before.then((response) => {
        const { announced, bytes } = response
        const undo = decoders.get(name.trim().toLowerCase())
        if (undo === undefined || announced !== undefined || bytes.length === 0 || bytes.length > maxBytes) {
          return response
        }
        return undo(bytes, maxBytes).then((decoded) =>
          decoded === undefined
            ? { ...response, bytes: new Uint8Array(), announced: maxBytes + 1 }
            : { ...response, bytes: decoded }
        )
      }),
    Promise.resolve(response)
  )

/**
 * Whether bytes are JSON, HTML or an image. Some HTTP clients decode an answer and leave the header `content-encoding`.
 */
export const isDecoded = (bytes: Uint8Array): boolean =>
  // No other white space: a brotli begins with a vertical tab.
  /^[ \t\r\n<{]/.test(String.fromCharCode(bytes[0] ?? 0x20)) || Image.inspect(bytes) !== undefined
