import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type { Any, CallCredentials, CallOptions } from "../endpoint/definition.ts"
import type { ImagePreparer } from "../ImagePreparer.ts"
import type { Settings } from "../internal/settings.ts"
import type { QQError } from "../reason/error.ts"

/** The client service. It makes calls, with quota, token and retries. */
export class QQMini extends Context.Service<
  QQMini,
  {
    /** Calls an endpoint. Prefer to call the endpoint itself: `Security.msgSecCheck({ content })`. */
    readonly call: (endpoint: Any, input: unknown, options?: CallOptions) => Effect.Effect<unknown, QQError>
    /** How often an endpoint may be called right now for the program, by the client's own count of QQ's limits. */
    readonly remaining: (endpoint: Any, credentials?: CallCredentials) => Effect.Effect<number, QQError>
    /** The client's settings, for what makes several calls. By default those of `QQMini.Settings`. */
    readonly settings?: Settings | undefined
    /** The client's preparer of pictures, if it has one. */
    readonly imagePreparer?: ImagePreparer | undefined
  }
>()("@qq-mini/core/QQMini") {}
