/**
 * How secrets are compared: in constant time, in every runtime.
 */
export { sameSecret } from "../internal/secrets.ts"
