import type { Key, Slot, TokenCache, TokenCacheError } from "@qq-mini/core/TokenCache"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"

type Store = TokenCache["Service"]
type Of<Operation extends "lease" | "write" | "remove" | "release"> = Parameters<Store[Operation]>[1]

/** A store operation as JSON, on its way to the Durable Object. */
export type Asked = { readonly key: Key } & (
  | { readonly operation: "read" }
  | ({ readonly operation: "lease" } & Of<"lease">)
  | ({ readonly operation: "write"; readonly token: string } & Omit<Of<"write">, "token">)
  | ({ readonly operation: "remove" } & Of<"remove">)
  | ({ readonly operation: "release" } & Of<"release">)
)

/** A slot as JSON, on its way back. */
type SlotJson = Omit<Slot, "token"> & { readonly token: string | null }

/** Makes a store whose operations are sent elsewhere. */
export const client = (call: <A>(asked: Asked) => Effect.Effect<A, TokenCacheError>): Store => ({
  read: (key) =>
    Effect.map(call<SlotJson>({ operation: "read", key }), ({ token, ...slot }) => ({
      ...slot,
      token: token === null ? undefined : Redacted.make(token)
    })),
  lease: (key, options) => call({ operation: "lease", key, ...options }),
  write: (key, options) => call({ operation: "write", key, ...options, token: Redacted.value(options.token) }),
  remove: (key, options) => call({ operation: "remove", key, ...options }),
  release: (key, options) => call({ operation: "release", key, ...options })
})

/** Runs an operation that was sent by {@link client}. */
export const serve = (store: Store, asked: Asked): Effect.Effect<unknown, TokenCacheError> => {
  switch (asked.operation) {
    case "read":
      return Effect.map(store.read(asked.key), ({ token, ...slot }): SlotJson => ({
        ...slot,
        token: token === undefined ? null : Redacted.value(token)
      }))
    case "write":
      return store.write(asked.key, { ...asked, token: Redacted.make(asked.token) })
    case "lease":
      return store.lease(asked.key, asked)
    case "remove":
      return store.remove(asked.key, asked)
    case "release":
      return store.release(asked.key, asked)
  }
}
