/** The runtime's cryptography: the `WebCrypto` of `effect/crypto`. */
import { WebCrypto } from "effect/crypto/WebCrypto"
import * as Effect from "effect/Effect"
import type { QQError } from "../reason/error.ts"
import { invalidConfig } from "./rule.ts"

const utf8 = /* @__PURE__ */ new TextEncoder()

/** The runtime's `Crypto`. Fails with a `QQError` that names `setting` if it has no `crypto.subtle`. */
export const webCrypto = (setting: string): Effect.Effect<Crypto, QQError> =>
  Effect.flatMap(WebCrypto, (crypto: Crypto | undefined) =>
    crypto?.subtle === undefined
      ? Effect.fail(
          invalidConfig(
            setting,
            "needs crypto.subtle, which this runtime does not have",
            "需要 crypto.subtle，而当前运行环境没有提供"
          )
        )
      : Effect.succeed(crypto)
  )

/** Runs an algorithm. Fails with a `QQError` if the runtime does not have it. */
const run = <A>(algorithm: string, use: (subtle: SubtleCrypto) => Promise<A>): Effect.Effect<A, QQError> =>
  Effect.flatMap(webCrypto("WebCrypto"), ({ subtle }) =>
    Effect.tryPromise({
      try: () => use(subtle),
      catch: () =>
        invalidConfig("WebCrypto", `does not have ${algorithm} on this runtime`, `当前运行环境不支持 ${algorithm}`)
    })
  )

const bytesOf = (buffer: ArrayBuffer): Uint8Array => new Uint8Array(buffer)

/** The HMAC of a message. The key must not be empty. */
export const hmac = (
  hash: "SHA-1" | "SHA-256",
  key: string,
  message: string | Uint8Array
): Effect.Effect<Uint8Array, QQError> =>
  run(`HMAC-${hash}`, (subtle) =>
    subtle
      .importKey("raw", utf8.encode(key), { name: "HMAC", hash }, false, ["sign"])
      .then((imported) =>
        subtle.sign("HMAC", imported, (typeof message === "string" ? utf8.encode(message) : message) as BufferSource)
      )
      .then(bytesOf)
  )

/** The SHA-1 of a text. */
export const sha1 = (text: string): Effect.Effect<Uint8Array, QQError> =>
  run("SHA-1", (subtle) => subtle.digest("SHA-1", utf8.encode(text)).then(bytesOf))

/** The SHA-256 of bytes or of a text. */
export const sha256 = (content: string | Uint8Array): Effect.Effect<Uint8Array, QQError> =>
  run("SHA-256", (subtle) =>
    subtle
      .digest("SHA-256", (typeof content === "string" ? utf8.encode(content) : content) as BufferSource)
      .then(bytesOf)
  )

/**
 * The plaintext of AES-CBC with PKCS#7. `undefined` if the padding is wrong. The key and `iv` must have 16 bytes.
 */
export const decryptCbc = (
  key: Uint8Array,
  iv: Uint8Array,
  sealed: Uint8Array
): Effect.Effect<Uint8Array | undefined, QQError> =>
  run("AES-CBC", (subtle) =>
    subtle
      .importKey("raw", key as BufferSource, "AES-CBC", false, ["decrypt"])
      .then((imported) =>
        subtle
          .decrypt({ name: "AES-CBC", iv: iv as BufferSource }, imported, sealed as BufferSource)
          .then(bytesOf, () => undefined)
      )
  )
