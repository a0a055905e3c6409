/**
 * What authors of transports need: where a request goes, how an answer is put together, and how a failure is named without
 * showing a secret.
 */
export { failed, join, settle, targetOf, timedOut, tooLong } from "../transport/exchange.ts"
