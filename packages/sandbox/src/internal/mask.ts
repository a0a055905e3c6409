/** Masks secrets, tokens and signatures in what people see. S1 */

// The names of QQ's API, and names like them that an app may write by mistake.
const names =
  "(?:.*(?:secret|token|session_?key|openkey|app_?key|encrypt_?key|authorization|js_code)|(?:qq_)?sig(?:nature)?)"
const secretName = new RegExp(`^${names}$`, "i")

/** Shows the end of a long secret, so that people can tell two of them apart. */
export const mask = (secret: string): string => (secret.length >= 32 ? `•••${secret.slice(-4)}` : "•••")

/** Masks the fields of a JSON value that have the name of a secret. */
export const maskFields = (value: unknown, name = ""): unknown => {
  if (typeof value === "string") return secretName.test(name) ? mask(value) : maskText(value)
  if (Array.isArray(value)) return value.map((one) => maskFields(one, name))
  if (typeof value !== "object" || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, maskFields(field, name)]))
}

// 16, 20 or 32 bytes in Base64, as they are or in a URL: session keys, and signatures by HMAC.
const base64 = /(?<![\w+/%-])(?:[A-Za-z0-9+/]|%2[BF]){22,43}(?:=|%3D){1,2}/gi
// Tokens of the sandbox, and signatures by HMAC-SHA256.
const hex = /(?<![0-9A-Za-z])[0-9A-Fa-f]{64}(?![0-9A-Za-z])/g

/** Masks what has the shape of a token, a session key or a signature. */
export const maskText = (text: string): string => text.replace(hex, mask).replace(base64, "•••")

const namedValue = new RegExp(`("${names.replace(".*", '[^"]*')}"\\s*:\\s*")[^"]*`, "gi")

/** Masks secrets in JSON that can't be parsed, such as the first half of an answer. */
export const maskBroken = (text: string): string => maskText(text.replace(namedValue, "$1•••"))
