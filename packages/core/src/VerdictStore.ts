/**
 * The interface of stores that keep the verdicts of content checks for a time, and a store in memory.
 *
 * The key of a verdict is the hash of the content, so the same content is checked once. Whoever checks it claims the key
 * first, so that no other process checks it at the same time. Every operation is atomic, and times are measured by the
 * store's own clock. `@qq-mini/core/testing/VerdictStoreConformance` tests a store against this contract.
 */
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { monotonicMillis } from "./internal/time.ts"

/** The error of a store. `problem` contains no secret. */
export class VerdictStoreError extends Data.TaggedError("VerdictStoreError")<{
  readonly operation: keyof VerdictStore["Service"]
  readonly problem: string
}> {
  override get message(): string {
    return `VerdictStore.${this.operation}: ${this.problem}`
  }
}

/** What a claim found. `claimed`: this owner has the key now. `busy`: another owner has it. `kept`: it has a value. */
export type Claim = "claimed" | "busy" | "kept"

/** The service that a store implements. All durations are milliseconds. */
export class VerdictStore extends Context.Service<
  VerdictStore,
  {
    /** Reads the value of a key. `undefined` if there is none, or its time is over. */
    readonly get: (key: string) => Effect.Effect<string | undefined, VerdictStoreError>
    /** Claims a key without a value for `ttl`. If the owner claims again, its claim is extended to `ttl` from now. */
    readonly claim: (
      key: string,
      options: { readonly owner: string; readonly ttl: number }
    ) => Effect.Effect<Claim, VerdictStoreError>
    /** Keeps a value for `ttl`, and ends the claim of the key. It replaces the value before. */
    readonly put: (
      key: string,
      options: { readonly value: string; readonly ttl: number }
    ) => Effect.Effect<void, VerdictStoreError>
    /** Ends the claim, if this owner has it. */
    readonly release: (key: string, options: { readonly owner: string }) => Effect.Effect<void, VerdictStoreError>
  }
>()("@qq-mini/core/VerdictStore") {}

// The entries that are kept in memory. Beyond, the oldest are forgotten.
const maxEntries = 100_000

interface MemoryEntry {
  readonly owner?: string
  readonly value?: string
  readonly expires: number
}

/** Makes a store in the memory of this process. It keeps the latest 100,000 verdicts. */
export const makeMemory: Effect.Effect<VerdictStore["Service"]> = Effect.sync(() => {
  const entries = new Map<string, MemoryEntry>()
  const set = (key: string, entry: MemoryEntry) => {
    entries.delete(key)
    entries.set(key, entry)
    if (entries.size > maxEntries) entries.delete(entries.keys().next().value!)
  }
  const at = (key: string, now: number): MemoryEntry | undefined => {
    const found = entries.get(key)
    return found !== undefined && found.expires > now ? found : undefined
  }
  return VerdictStore.of({
    get: (key) => Effect.map(monotonicMillis, (now) => at(key, now)?.value),
    claim: (key, { owner, ttl }) =>
      Effect.map(monotonicMillis, (now): Claim => {
        const found = at(key, now)
        if (found?.value !== undefined) return "kept"
        if (found !== undefined && found.owner !== owner) return "busy"
        set(key, { owner, expires: now + ttl })
        return "claimed"
      }),
    put: (key, { ttl, value }) => Effect.map(monotonicMillis, (now) => set(key, { value, expires: now + ttl })),
    release: (key, { owner }) =>
      Effect.sync(() => {
        if (entries.get(key)?.owner === owner) entries.delete(key)
      })
  })
})

/** The store in memory: only this process knows the verdicts, until it ends. */
export const layerMemory: Layer.Layer<VerdictStore> = Layer.effect(VerdictStore, makeMemory)
