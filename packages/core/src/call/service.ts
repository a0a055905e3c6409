import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type { Any, CallCredentials, CallOptions } from "../endpoint/definition.ts"
import type { QQError } from "../reason/error.ts"

/** The client service. It makes calls, with quota, token and retries. */
export class QQMini extends Context.Service<
  QQMini,
  {
    /** Calls an endpoint. Prefer to call the endpoint itself: `Security.msgSecCheck({ content })`. */
    readonly call: (endpoint: Any, input: unknown, options?: CallOptions) => Effect.Effect<unknown, QQError>
    /** How often an endpoint may be called right now for the program, by the client's own count of QQ's limits. */
    readonly remaining: (endpoint: Any, credentials?: CallCredentials) => Effect.Effect<number, QQError>
  }
>()("@qq-mini/core/QQMini") {}
