/**
 * What Node 12 and 14 lack of the names that the delivered file uses. The build puts these in their place, so that no
 * global of a function is changed.
 */
export { performance } from "node:perf_hooks"

const hasOwn: typeof Object.hasOwn =
  Object.hasOwn ?? ((object, name) => Object.prototype.hasOwnProperty.call(object, name))

const none = (): void => {}

/** Enough for a call that nobody aborts: without `AbortController` a caller has no signal either. */
class Stub {
  readonly signal = { aborted: false, addEventListener: none, removeEventListener: none }
  abort(): void {}
}
const Controller = globalThis.AbortController ?? Stub

export { hasOwn as "Object.hasOwn", Controller as AbortController }
