/**
 * Helpers for authors of transports: the target of a request, joining the pieces of an answer, undoing its content
 * coding, the fields of QQ's answer, and errors that show no secret.
 */
export { fieldsOf } from "../call/answer.ts"
export { decode, isDecoded, zlibDecoders } from "../transport/coding.ts"
export { excessLength, join, settle, targetOf, timedOut, toTransportError, wholeOf } from "../transport/exchange.ts"
