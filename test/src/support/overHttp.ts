/** A client that reaches a sandbox over real HTTP. */
import * as NodeQQMini from "@qq-mini/node/NodeQQMini"
import type * as Sandbox from "@qq-mini/sandbox/Sandbox"
import * as SandboxServer from "@qq-mini/sandbox/SandboxServer"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { first, second } from "./calls.ts"

/** A sandbox as a server, and a client of it on Node. */
export const overHttp = (platform?: Sandbox.Options, options?: NodeQQMini.Options) =>
  Layer.unwrap(
    Effect.map(SandboxServer.SandboxServer, ({ url }) =>
      NodeQQMini.layer({ apps: [first, second], baseUrl: url, ...options })
    )
  ).pipe(Layer.provideMerge(SandboxServer.layer(platform)))
