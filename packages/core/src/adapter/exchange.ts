/**
 * Helpers for authors of transports: the target of a request, joining the pieces of an answer, and errors that show no
 * secret.
 */
export { failed, join, settle, targetOf, timedOut, tooLong, wholeOf } from "../transport/exchange.ts"
