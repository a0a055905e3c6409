import { causesOf, connections, isUnmade, peek, shown } from "../internal/shown.ts"

// Some systems tell of a broken connection what others tell of one that was never made. The system call knows better.
const connecting = /^(connect|getaddrinfo|query)/

const isUnsent = (error: unknown, depth = 0): boolean => {
  if (error === undefined || error === null || depth > 4) return false
  const syscall = peek(error, "syscall")
  if (typeof syscall === "string") return connecting.test(syscall)
  return isUnmade(error) || causesOf(error).every((cause) => isUnsent(cause, depth + 1))
}

/** D1: how far a request came, as the error of a client and its causes say; and that error's name. */
export const phaseOf = (error: unknown): { readonly phase: "unsent" | "lost"; readonly problem: string } => ({
  phase: isUnsent(error) ? "unsent" : "lost",
  problem: shown(error, connections)
})
