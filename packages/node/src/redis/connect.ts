/**
 * A connection of our own that lasts: a client whose connection is lost is replaced by a new one. The clients' own ways
 * to connect again differ. That of a cluster tries a dead node without end, and does not ask the others who took its
 * place.
 */
import { matches } from "@qq-mini/core/adapter/shown"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import type * as Scope from "effect/Scope"
import type { Address } from "./address.ts"
import type { Client } from "./client.ts"
import { open, type Opened, type Package, pingIntervalMillis, socketTimeoutMillis } from "./open.ts"

// A client that was replaced may still wait for answers for this long (ms).
const retireMillis = 5_000

/** A client, as long as it is not replaced. */
export interface Connection {
  readonly client: Client
  /** Takes note of the error of a command. */
  readonly onError: (error: unknown) => void
  /** Is opened when the client is replaced. */
  readonly replaced: Latch.Latch
}

/** Connects, and replaces the client whenever its connection is lost. Fails if the first connection can't be made. */
export const connect = Effect.fnUntraced(function* (
  redis: Package,
  address: Address
): Effect.fn.Return<() => Connection, unknown, Scope.Scope> {
  // All that are not destroyed yet. The scope may end at any time.
  const all = new Set<Opened>()
  const destroy = (opened: Opened) =>
    Effect.sync(() => {
      if (all.delete(opened)) opened.destroy()
    })
  yield* Effect.addFinalizer(() => Effect.forEach(all, destroy, { discard: true }))

  let known = address
  /** The nodes of a cluster are remembered: the one of the address may be the one that dies. */
  const remember = ({ nodes }: Opened) => {
    const others = nodes.filter((node) => !address.nodes.some((n) => n.host === node.host && n.port === node.port))
    if (others.length > 0) known = { ...address, kind: "cluster", nodes: [...address.nodes, ...others] }
  }
  const make = Effect.suspend(() => {
    const lost = Latch.makeUnsafe()
    return Effect.map(
      Effect.tryPromise({
        try: (signal) => open(redis, known, signal, () => lost.openUnsafe()),
        catch: (error) => error
      }),
      (opened) => {
        all.add(opened)
        remember(opened)
        const onError = (error: unknown) => {
          // A server's own error comes over a connection that lives. `READONLY` is that of a master that became a replica.
          // `redis` 5.0 does not export the class: a client is then replaced without need.
          const isReply = redis.ErrorReply !== undefined && error instanceof redis.ErrorReply
          if (!isReply || matches(error, /\bREADONLY\b/)) lost.openUnsafe()
        }
        return { opened, lost, connection: { client: opened.client, onError, replaced: Latch.makeUnsafe() } }
      }
    )
  })
  type Current = Effect.Success<typeof make>
  let current = yield* make

  const half = Effect.sleep(socketTimeoutMillis / 2)
  const ping = Effect.raceFirst(
    Effect.tryPromise(() => current.opened.ping()),
    // In two parts: after the event loop was blocked, an answer that has arrived is read between them.
    half.pipe(Effect.andThen(half), Effect.andThen(Effect.fail("no answer")))
  )
  /** Connects again. The first try is made soon: the stores repeat a command for less than half a second. */
  const again = (tries: number): Effect.Effect<Current> =>
    Effect.catch(Effect.delay(make, Math.random() * 50 + (tries === 0 ? 0 : Math.min(2_000, 50 * 2 ** tries))), () =>
      again(tries + 1)
    )
  const replace = Effect.gen(function* () {
    const old = current
    yield* Effect.raceFirst(
      old.lost.await,
      // T6: the client's `socketTimeout` starts again with each command that it writes, so calls would keep a dead
      // connection.
      Effect.ignore(Effect.forever(Effect.delay(ping, pingIntervalMillis)))
    )
    current = yield* again(0)
    old.connection.replaced.openUnsafe()
    yield* Effect.forkScoped(Effect.delay(destroy(old.opened), retireMillis))
  })
  yield* Effect.forkScoped(Effect.forever(replace))
  return () => current.connection
})
