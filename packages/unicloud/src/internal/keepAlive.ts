/** Agents with which the requests of urllib 2 share connections. urllib's own make a new one for every request. */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Http from "node:http"
import * as Https from "node:https"

/** The options of a request that choose its agents. */
export interface Agents {
  readonly agent: Http.Agent
  readonly httpsAgent: Https.Agent
}

// After this time without a request (ms) no kept connection is used again: QQ may have closed it, and an instance that
// was frozen has not seen that.
const idleMillis = 4_000

const destroyIdle = ({ freeSockets }: Http.Agent) => {
  for (const sockets of Object.values(freeSockets)) sockets?.forEach((socket) => socket.destroy())
}

/** Makes a function that returns the agents for the next request. */
export const make: Effect.Effect<() => Agents, never, Scope.Scope> = Effect.gen(function* () {
  const agents = { agent: new Http.Agent({ keepAlive: true }), httpsAgent: new Https.Agent({ keepAlive: true }) }
  const all = Object.values(agents)
  yield* Effect.addFinalizer(() => Effect.sync(() => all.forEach((agent) => agent.destroy())))
  let lastUsed = 0
  return () => {
    // The wall clock, because it goes on while an instance is frozen. It may also be set back.
    const now = Date.now()
    if (Math.abs(now - lastUsed) > idleMillis) all.forEach(destroyIdle)
    lastUsed = now
    return agents
  }
})
