import * as Result from "effect/Result"

/** Names by which undici, Node, urllib, Deno and Bun say that a connection was never made. */
const unsentNames = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "EADDRNOTAVAIL",
  "UND_ERR_CONNECT_TIMEOUT",
  "ConnectTimeoutError",
  "ConnectionTimeoutError",
  "SocketAssignTimeoutError",
  "ConnectionRefused",
  "CERT_HAS_EXPIRED",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  "ERR_TLS_CERT_ALTNAME_INVALID"
])

// Some systems tell of a broken connection what others tell of one that was never made; the system call knows better.
const connecting = /^(connect|getaddrinfo|query)/

const causes = (error: any): ReadonlyArray<any> =>
  Array.isArray(error.errors) && error.errors.length > 0 ? error.errors.slice(0, 16) : [error.cause]

// Deno says it in words alone.
const unconnected = (error: any): string | undefined => {
  const message = String(error.message)
  if (!message.includes("client error (Connect)")) return undefined
  return message.includes("dns error") ? "ENOTFOUND" : "ECONNREFUSED"
}

const isUnsent = (error: any, depth = 0): boolean => {
  if (typeof error !== "object" || error === null || depth > 4) return false
  if (unconnected(error) !== undefined) return true
  if (typeof error.syscall === "string") return connecting.test(error.syscall)
  if (unsentNames.has(error.code) || unsentNames.has(error.name)) return true
  return causes(error).every((cause) => isUnsent(cause, depth + 1))
}

/** How urllib and `uniCloud.request` call an answer that is late. */
const late = new Set(["ResponseTimeoutError", "ESOCKETTIMEDOUT"])

/** The name an error, or what caused it, is known by. */
export const nameOf = (error: any, depth = 0): string | undefined => {
  if (typeof error !== "object" || error === null || depth > 4) return undefined
  if (late.has(error.name) || late.has(error.code)) return "ETIMEDOUT"
  const words = unconnected(error)
  if (words !== undefined) return words
  const name = [error.code, error.name].find(
    (name) => typeof name === "string" && (unsentNames.has(name) || /^[A-Z][A-Z0-9_]{2,40}$/.test(name))
  )
  return name ?? nameOf(causes(error)[0], depth + 1)
}

/** How far a request came, told from the error a transport gave and its causes; and that error's name. */
export const phaseOf = (error: unknown): { readonly phase: "unsent" | "lost"; readonly problem: string } =>
  // whatever the error is made of: one that can't be looked at tells nothing
  Result.getOrElse(
    Result.try(() => ({
      phase: isUnsent(error) ? ("unsent" as const) : ("lost" as const),
      problem: nameOf(error) ?? "the connection was lost"
    })),
    () => ({ phase: "lost" as const, problem: "the connection was lost" })
  )
