/**
 * Comparison of secrets in constant time, on every runtime.
 */
export { sameSecret } from "../internal/secrets.ts"
