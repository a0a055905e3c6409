/**
 * Helpers for authors of transports: the target of a request, joining the pieces of an answer, and errors that show no
 * secret.
 */
export { excessLength, join, settle, targetOf, timedOut, toTransportError, wholeOf } from "../transport/exchange.ts"
