/** Token events and their listeners. */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { AppId } from "../App.ts"
import { functions, shown } from "../internal/shown.ts"
import type { TokenContested } from "../reason/client.ts"

/**
 * An event about a program's token or the token store, as seen by this process.
 *
 * - `Fetched`: this process fetched a token, because there was none, it was dead, or a caller asked for a new one.
 * - `Renewed`: this process fetched a token before the old one expired.
 * - `Invalidated`: QQ refused the current token before it expired.
 * - `Contested`: tokens repeatedly die early. The reason's `wait` says for how long no token is fetched. If it is 0,
 *   calls still work: the tokens die so rarely that QQ's grace period of 5 minutes bridges it.
 * - `StoreLost`, `StoreBack`: the store became unavailable, or available again.
 */
export type TokenEvent =
  | {
      readonly _tag: "Fetched" | "Renewed"
      readonly appid: AppId
      /** How long the token is valid, in milliseconds. */
      readonly lifetime: number
      /** Whether the token could not be stored, because the store was unavailable. */
      readonly unstored: boolean
    }
  | { readonly _tag: "Invalidated"; readonly appid: AppId }
  | { readonly _tag: "Contested"; readonly appid: AppId; readonly reason: TokenContested }
  | { readonly _tag: "StoreLost"; readonly problem: string }
  | { readonly _tag: "StoreBack" }

/** A function that is called with every event. */
export type Listener = (event: TokenEvent) => void

/** The listeners of one client. */
export class Listeners {
  readonly #all = new Set<Listener>()

  /** Calls every listener with an event. If a listener throws, the error is logged and has no other effect. */
  publish(event: TokenEvent): Effect.Effect<void> {
    return Effect.forEach(
      this.#all,
      (listener) =>
        Effect.catchDefect(
          Effect.sync(() => listener(event)),
          (defect) => Effect.logError(`a listener of token events failed: ${shown(defect, functions)}`)
        ),
      { discard: true }
    )
  }

  /** Publishes that a token was fetched: before the old one expired (`renewed`), or without the store (`unstored`). */
  fetched(appid: AppId, lifetime: number, how: { readonly renewed: boolean; readonly unstored: boolean }) {
    return Effect.andThen(
      Effect.logDebug(`${how.renewed ? "renewed" : "fetched"} the access token of ${appid}`),
      this.publish({ _tag: how.renewed ? "Renewed" : "Fetched", appid, lifetime, unstored: how.unstored })
    )
  }

  /** Adds a listener, which is removed when the scope is closed. */
  listen(listener: Listener): Effect.Effect<void, never, Scope.Scope> {
    return Effect.acquireRelease(
      Effect.sync(() => void this.#all.add(listener)),
      () => Effect.sync(() => this.#all.delete(listener))
    )
  }
}
