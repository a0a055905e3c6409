import { causesOf, connections, isUnmade, peek, shown } from "../internal/shown.ts"

// Some systems use the same error name for a broken connection and for one that was never made. The name of the system
// call distinguishes them.
const connecting = /^(connect|getaddrinfo|query)/

const isUnsent = (error: unknown, depth = 0): boolean => {
  if (error === undefined || error === null || depth > 4) return false
  const syscall = peek(error, "syscall")
  if (typeof syscall === "string") return connecting.test(syscall)
  return isUnmade(error) || causesOf(error).every((cause) => isUnsent(cause, depth + 1))
}

/** D1: derives from an HTTP client's error and its causes how far the request got, with the error's safe name. */
export const phaseOf = (error: unknown): { readonly phase: "unsent" | "lost"; readonly problem: string } => ({
  phase: isUnsent(error) ? "unsent" : "lost",
  problem: shown(error, connections)
})
