/**
 * Encrypts tokens before they reach a store. Works with any store.
 */
import * as Effect from "effect/Effect"
import * as Base64 from "effect/encoding/Base64"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import { invalidConfig } from "./App.ts"
import { webCrypto } from "./internal/webCrypto.ts"
import type { QQError } from "./reason/error.ts"
import { type Key, TokenCache, TokenCacheError } from "./TokenCache.ts"

const utf8 = new TextEncoder()
const text = new TextDecoder()
const nonceBytes = 12

/** The key that encrypts tokens: 32 bytes, as a `Uint8Array`, in base64, or in hexadecimal digits. */
export type EncryptionKey = Uint8Array | string | Redacted.Redacted<string>

const keyBytes = (key: EncryptionKey): Uint8Array | undefined => {
  const plain = Redacted.isRedacted(key) ? Redacted.value(key) : key
  if (plain instanceof Uint8Array) return plain
  if (typeof plain !== "string") return undefined
  if (/^[\da-f]{64}$/i.test(plain)) return Uint8Array.from(plain.match(/../g)!, (byte) => parseInt(byte, 16))
  return Result.getOrUndefined(Base64.decode(plain.trim()))
}

/** Returns the 32 bytes of a key. Fails with a `QQError` that names `setting` if the key is invalid. */
export const check = (key: EncryptionKey, setting = "tokenKey"): Effect.Effect<Uint8Array, QQError> => {
  const bytes = keyBytes(key)
  if (bytes?.length === 32) return Effect.succeed(bytes)
  const found =
    bytes === undefined
      ? { en: "neither base64 nor hexadecimal", zh: "现在的值既不是 base64 也不是十六进制" }
      : { en: `${bytes.length} bytes`, zh: `现在是 ${bytes.length} 字节` }
  return Effect.fail(
    invalidConfig(
      setting,
      `must be 32 bytes, as base64 (44 characters) or hexadecimal (64); it is ${found.en}. Make one with: openssl rand -base64 32`,
      `必须是 32 字节，以 base64（44 个字符）或十六进制（64 个字符）给出；${found.zh}。可用 openssl rand -base64 32 生成`
    )
  )
}

// The stored text is base64 of the nonce (12 bytes), the ciphertext and the authentication tag (16 bytes).
const sealing = (slot: Key, nonce: Uint8Array) => ({
  name: "AES-GCM",
  iv: nonce as BufferSource,
  additionalData: utf8.encode(slot)
})

/**
 * Wraps a store so that it only holds encrypted tokens (AES-256-GCM, bound to their slot). All processes that share a
 * store need the same key. A token that can't be decrypted with the key counts as missing, and a warning is logged.
 * Fails if the key is not 32 bytes, or if the runtime has no `crypto.subtle`. In that case provide one as the
 * `WebCrypto` of `effect/crypto`.
 */
export const make = Effect.fnUntraced(function* (
  cache: TokenCache["Service"],
  key: EncryptionKey,
  setting: string = "tokenKey"
): Effect.fn.Return<TokenCache["Service"], QQError> {
  const bytes = yield* check(key, setting)
  const crypto = yield* webCrypto(setting)
  const { subtle } = crypto
  const secret = yield* Effect.promise(() =>
    subtle.importKey("raw", bytes as BufferSource, "AES-GCM", false, ["encrypt", "decrypt"])
  )
  const seal = (slot: Key, token: string) =>
    Effect.tryPromise(() => {
      const nonce = crypto.getRandomValues(new Uint8Array(nonceBytes))
      return subtle
        .encrypt(sealing(slot, nonce), secret, utf8.encode(token))
        .then((sealed) => Base64.encode(Uint8Array.of(...nonce, ...new Uint8Array(sealed))))
    })
  const open = (slot: Key, sealed: string) =>
    Effect.flatMap(Effect.fromResult(Base64.decode(sealed)), (bytes) =>
      Effect.tryPromise(() =>
        subtle
          .decrypt(sealing(slot, bytes.slice(0, nonceBytes)), secret, bytes.slice(nonceBytes))
          .then((token) => text.decode(token))
      )
    )
  const { maxLifetime, watch } = cache
  return TokenCache.of({
    lease: (slot, options) => cache.lease(slot, options),
    remove: (slot, options) => cache.remove(slot, options),
    release: (slot, options) => cache.release(slot, options),
    watch: watch && ((slot) => watch.call(cache, slot)),
    maxLifetime,
    read: (slot) =>
      Effect.flatMap(cache.read(slot), (found) =>
        found.token === undefined
          ? Effect.succeed(found)
          : Effect.matchEffect(open(slot, Redacted.value(found.token)), {
              onSuccess: (token) => Effect.succeed({ ...found, token: Redacted.make(token) }),
              onFailure: () =>
                Effect.as(
                  Effect.logWarning(
                    `the stored token of ${slot} does not open with this ${setting}: is it the same everywhere?`
                  ),
                  { ...found, token: undefined, expiresIn: 0 }
                )
            })
      ),
    write: (slot, options) =>
      Effect.flatMap(
        Effect.mapError(
          seal(slot, Redacted.value(options.token)),
          () => new TokenCacheError({ operation: "write", problem: "the token can't be encrypted" })
        ),
        (token) => cache.write(slot, { ...options, token: Redacted.make(token) })
      )
  })
})

/** A store layer that only holds encrypted tokens. Fails as {@link make} does. */
export const layer = <E, R>(
  store: Layer.Layer<TokenCache, E, R>,
  key: EncryptionKey,
  setting?: string
): Layer.Layer<TokenCache, E | QQError, R> =>
  Layer.effect(
    TokenCache,
    Effect.flatMap(TokenCache, (cache) => make(cache, key, setting))
  ).pipe(Layer.provide(store))
