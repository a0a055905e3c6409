/** Functions that an app gives to be called with each request. */
import * as Effect from "effect/Effect"
import { functions, shown } from "../internal/shown.ts"

/** A request to QQ, without its query, headers and body: it has no secret. */
export interface RequestEvent {
  /** The name of the call, such as `security.msgSecCheck`; `auth.getAccessToken` for a fetch of a token. */
  readonly endpoint: string
  /** The appid of the program, if it is known. */
  readonly app: string | undefined
  /** The number of the request of this call, from 1 on. */
  readonly attempt: number
  readonly method: "GET" | "POST"
  /** The address of the server, such as `https://api.q.qq.com`. */
  readonly origin: string
  readonly path: string
}

/** The end of a request. */
export interface ResponseEvent extends RequestEvent {
  /** The HTTP status. `undefined` if no answer came. */
  readonly status: number | undefined
  /** Milliseconds from the request to the end of the answer. */
  readonly elapsed: number
  /** The reason of the failure, such as `TimedOut`. `undefined` if the request succeeded. */
  readonly error: string | undefined
  /** QQ's error code, if QQ answered with one. */
  readonly code: number | undefined
}

/** A request that is about to be repeated. */
export interface RetryEvent {
  /** The name of the call. */
  readonly endpoint: string
  /** The appid of the program, if it is known. */
  readonly app: string | undefined
  /** The number of the request that comes now, from 2 on. */
  readonly attempt: number
  /** The reason for which the request before failed, such as `ConnectionFailed`. */
  readonly error: string
  /** QQ's error code, if QQ answered with one. */
  readonly code: number | undefined
  /** Milliseconds since the request before failed. */
  readonly waited: number
}

/** Functions that are called with each request. An error of them is logged, and has no other effect. */
export interface Hooks {
  /** Called before a request is sent. */
  readonly onRequest?: ((event: RequestEvent) => void) | undefined
  /** Called when a request has ended, with an answer or without. */
  readonly onResponse?: ((event: ResponseEvent) => void) | undefined
  /** Called before a request is repeated. */
  readonly onRetry?: ((event: RetryEvent) => void) | undefined
}

const isThenable = (u: unknown): u is PromiseLike<unknown> =>
  typeof u === "object" && u !== null && "then" in u && typeof u.then === "function"

/** Calls a hook. If it throws, or gives a promise that rejects, the call goes on. */
export const callHook = <Event>(
  name: string,
  hook: ((event: Event) => unknown) | undefined,
  event: Event
): Effect.Effect<void> => {
  if (hook === undefined) return Effect.void
  return Effect.catchDefect(
    Effect.sync(() => {
      const result = hook(event)
      // Nobody waits for it, and a rejection that nobody handles would end the process.
      if (isThenable(result)) result.then(undefined, () => {})
    }),
    (defect) => Effect.logError(`${name} failed: ${shown(defect, functions)}`)
  )
}
