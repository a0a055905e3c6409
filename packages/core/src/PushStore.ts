/**
 * The interface of stores that remember which messages of QQ were handled, and a store in memory.
 *
 * QQ repeats a payment notification until it is answered, and may send one twice at once. A receiver claims the message
 * first, and marks it as done afterwards. Every operation is atomic, and times are measured by the store's own clock.
 * `@qq-mini/core/testing/PushStoreConformance` tests a store against this contract.
 */
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { monotonicMillis } from "./internal/time.ts"

/** The error of a store. `problem` contains no secret. */
export class PushStoreError extends Data.TaggedError("PushStoreError")<{
  readonly operation: "claim" | "done" | "release"
  readonly problem: string
}> {
  override get message(): string {
    return `PushStore.${this.operation}: ${this.problem}`
  }
}

/**
 * What a claim found. `first`: this owner has the claim now. `busy`: another owner has it. `done`: the message was
 * handled.
 */
export type Claim = "first" | "busy" | "done"

/** The service that a store implements. All durations are milliseconds. */
export class PushStore extends Context.Service<
  PushStore,
  {
    /**
     * Claims a message for `ttl`. An owner is one delivery. If the owner claims again, its claim is extended to `ttl` from
     * now.
     */
    readonly claim: (
      key: string,
      options: { readonly owner: string; readonly ttl: number }
    ) => Effect.Effect<Claim, PushStoreError>
    /** Marks a message as handled, and remembers it for `ttl`. */
    readonly done: (key: string, options: { readonly ttl: number }) => Effect.Effect<void, PushStoreError>
    /** Ends the claim, if this owner has it. */
    readonly release: (key: string, options: { readonly owner: string }) => Effect.Effect<void, PushStoreError>
  }
>()("@qq-mini/core/PushStore") {}

/** The owner of a message that was handled. */
export const nobody = ""

// The messages that are remembered in memory. Beyond, the oldest are forgotten.
const maxMessages = 100_000

/** Makes a store in the memory of this process. It remembers the latest 100,000 messages. */
export const makeMemory: Effect.Effect<PushStore["Service"]> = Effect.sync(() => {
  const messages = new Map<string, { readonly owner: string; readonly expires: number }>()
  const put = (key: string, owner: string, expires: number) => {
    messages.delete(key)
    messages.set(key, { owner, expires })
    if (messages.size > maxMessages) messages.delete(messages.keys().next().value!)
  }
  return PushStore.of({
    claim: (key, { owner, ttl }) =>
      Effect.map(monotonicMillis, (now): Claim => {
        const found = messages.get(key)
        if (found !== undefined && found.expires > now && found.owner !== owner) {
          return found.owner === nobody ? "done" : "busy"
        }
        put(key, owner, now + ttl)
        return "first"
      }),
    done: (key, { ttl }) => Effect.map(monotonicMillis, (now) => put(key, nobody, now + ttl)),
    release: (key, { owner }) =>
      Effect.sync(() => {
        if (messages.get(key)?.owner === owner) messages.delete(key)
      })
  })
})

/** The store in memory: only this process knows which messages it handled, until it ends. */
export const layerMemory: Layer.Layer<PushStore> = Layer.effect(PushStore, makeMemory)
