/** The `encryptedKey` of a login: the session, encrypted in the same way as by `vk.crypto.aes`. */
import { createCipheriv, createDecipheriv, createHash } from "node:crypto"
import type { Json } from "./json.ts"

/** The cipher, key and initialization vector that vk derives from its setting. */
const cipherOf = (aesKey: string) => {
  const key = createHash("md5").update(aesKey).digest("hex").slice(0, 24)
  return ["aes-192-cbc", key, key.slice(0, 16)] as const
}

/** Encrypts a session, in base64. */
export const encrypt = (aesKey: string, session: Json): string => {
  const cipher = createCipheriv(...cipherOf(aesKey))
  return Buffer.concat([cipher.update(JSON.stringify(session), "utf8"), cipher.final()]).toString("base64")
}

/** Decrypts an `encryptedKey`. Returns `undefined` if it was not encrypted with this key. */
export const decrypt = (aesKey: string, encrypted: string): Json | undefined => {
  try {
    const decipher = createDecipheriv(...cipherOf(aesKey))
    const text = Buffer.concat([decipher.update(Buffer.from(encrypted, "base64")), decipher.final()]).toString("utf8")
    const json = JSON.parse(text)
    return typeof json?.openid === "string" || typeof json?.code === "number" ? json : undefined
  } catch {
    return undefined
  }
}
