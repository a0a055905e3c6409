import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type { Any, Authority, CallOptions } from "../endpoint/definition.ts"
import type { QQError } from "../reason/error.ts"

/** The client: takes an endpoint and an input through quota, token, the wire, and retries. */
export class QQMini extends Context.Service<
  QQMini,
  {
    /** Calls an endpoint. Prefer to call the endpoint itself: `Security.msgSecCheck({ content })`. */
    readonly call: (endpoint: Any, input: unknown, options?: CallOptions) => Effect.Effect<unknown, QQError>
    /** How many calls of an endpoint QQ's limits allow right now for the program, by the client's count. */
    readonly left: (endpoint: Any, authority?: Authority) => Effect.Effect<number, QQError>
  }
>()("@qq-mini/core/QQMini") {}
