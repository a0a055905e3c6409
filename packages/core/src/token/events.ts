/** What happened to a program's token, as this process saw it, and who listens. */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { AppId } from "../App.ts"
import { functions, shown } from "../internal/shown.ts"
import type { TokenContested } from "../reason/client.ts"

/**
 * What happened to a program's token, as this process saw it.
 *
 * - `Fetched`: this process fetched one, because there was none, it was dead, or a caller asked for a new one.
 * - `Renewed`: this process fetched one ahead of the old one's end.
 * - `Invalidated`: QQ refused the current one before its end.
 * - `Contested`: tokens die early again and again. The reason's `wait` is how long no more are fetched; with 0 calls go on,
 *   because they die so seldom that QQ's 5 minutes of grace bridge it.
 * - `StoreLost`, `StoreBack`: the store can't be used any more, and can be used again.
 */
export type TokenEvent =
  | {
      readonly _tag: "Fetched" | "Renewed"
      readonly appid: AppId
      /** Milliseconds it is good for. */
      readonly lifetime: number
      /** Whether it was fetched without the store. */
      readonly alone: boolean
    }
  | { readonly _tag: "Invalidated"; readonly appid: AppId }
  | { readonly _tag: "Contested"; readonly appid: AppId; readonly reason: TokenContested }
  | { readonly _tag: "StoreLost"; readonly problem: string }
  | { readonly _tag: "StoreBack" }

/** A function that gets every event. */
export type Listener = (event: TokenEvent) => void

/** The listeners of one client. */
export class Listeners {
  readonly #all = new Set<Listener>()

  /** Gives every listener an event. A listener that throws disturbs nobody. */
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

  /** A token was fetched: ahead of the old one's end (`renewed`), or without the store (`alone`). */
  fetched(appid: AppId, lifetime: number, how: { readonly renewed: boolean; readonly alone: boolean }) {
    return Effect.andThen(
      Effect.logDebug(`${how.renewed ? "renewed" : "fetched"} the access token of ${appid}`),
      this.publish({ _tag: how.renewed ? "Renewed" : "Fetched", appid, lifetime, alone: how.alone })
    )
  }

  /** Adds a listener until the scope is closed. */
  listen(listener: Listener): Effect.Effect<void, never, Scope.Scope> {
    return Effect.acquireRelease(
      Effect.sync(() => void this.#all.add(listener)),
      () => Effect.sync(() => this.#all.delete(listener))
    )
  }
}
