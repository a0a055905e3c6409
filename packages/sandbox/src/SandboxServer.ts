/**
 * The sandbox as an HTTP server on this machine, for clients in other processes and languages.
 */
import { shown, systemCalls } from "@qq-mini/core/adapter/shown"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as NodeHttpServerRequest from "@effect/platform-node/NodeHttpServerRequest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as HttpServer from "effect/http/HttpServer"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import { createServer } from "node:http"
import * as Console from "./console/control.ts"
import { hasRiskyColour } from "./RiskyColour.ts"
import * as Sandbox from "./Sandbox.ts"

/** The running server. */
export class SandboxServer extends Context.Service<
  SandboxServer,
  {
    /** The base URL for clients, such as `http://127.0.0.1:40123`. */
    readonly url: string
  }
>()("@qq-mini/sandbox/SandboxServer") {}

const answer = (sandbox: Sandbox.Sandbox["Service"]) =>
  // A delayed answer is interrupted when its client disconnects.
  Effect.flatMap(Effect.interruptible(sandbox.handle), (response) => {
    if (response !== undefined) return Effect.succeed(response)
    return Effect.map(HttpServerRequest.HttpServerRequest, (request) => {
      NodeHttpServerRequest.toIncomingMessage(request).socket.resetAndDestroy()
      return HttpServerResponse.empty()
    })
  })

/** QQ's API, and the console below `/sandbox/`. */
const app = Effect.map(Sandbox.Sandbox, (sandbox) => {
  const console = Console.make(sandbox)
  return Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) =>
    Console.isForConsole(request) ? console : answer(sandbox)
  )
})

/** Where the server listens. */
export interface Listening {
  /** By default the system chooses the port. */
  readonly port?: number | undefined
  /** By default `127.0.0.1`, so that only this machine can reach it. Anybody who can reach it can use it. */
  readonly host?: string | undefined
}

/** Serves the provided platform. Dies if it can't listen. */
export const layerServer = ({ host = "127.0.0.1", port = 0 }: Listening = {}): Layer.Layer<
  SandboxServer,
  never,
  Sandbox.Sandbox
> =>
  Layer.suspend(() => {
    const server = createServer({ keepAliveTimeout: 65_000 })
    return Layer.effect(
      SandboxServer,
      Effect.gen(function* () {
        const { address } = yield* HttpServer.HttpServer
        // A delayed answer must not delay the end of a test.
        yield* Effect.addFinalizer(() => Effect.sync(() => server.closeAllConnections()))
        return { url: HttpServer.formatAddress(address) }
      })
    ).pipe(
      Layer.merge(Layer.unwrap(Effect.map(app, (app) => HttpServer.serve(app)))),
      Layer.provide(
        NodeHttpServer.layer(() => server, {
          host,
          port,
          gracefulShutdownTimeout: 0
        })
      ),
      Layer.catchTag("ServeError", ({ cause }) => {
        const named = { code: shown(cause, systemCalls) }
        const message = `The sandbox can't listen on ${host}:${port}: ${named.code}`
        return Layer.effect(SandboxServer, Effect.die(new Error(message, { cause: named })))
      })
    )
  })

/** A platform with its server. Images that show `riskyColour` are risky, if the package `sharp` is installed. */
export const layer = (options?: Sandbox.Options & Listening): Layer.Layer<Sandbox.Sandbox | SandboxServer> =>
  layerServer(options).pipe(Layer.provideMerge(Sandbox.layerPlatform({ isRiskyImage: hasRiskyColour, ...options })))

/** A running sandbox server, for apps without Effect. `startSandbox` of `testing` has more for their tests. */
export interface Running extends AsyncDisposable {
  /** The base URL for clients, such as `http://127.0.0.1:40123`. */
  readonly url: string
  /** Runs an effect on the platform: `await sandbox.run((platform) => platform.login())`. */
  readonly run: <A>(f: (platform: Sandbox.Sandbox["Service"]) => Effect.Effect<A>) => Promise<A>
  /** Stops the server. */
  readonly close: () => Promise<void>
}

/** Starts a sandbox server, for apps without Effect. Stop it with `close` or `await using`. */
export const start = async (options?: Sandbox.Options & Listening): Promise<Running> => {
  const runtime = ManagedRuntime.make(layer(options))
  const { url } = await runtime.runPromise(SandboxServer)
  const close = () => runtime.dispose()
  return {
    url,
    run: (f) => runtime.runPromise(Effect.flatMap(Sandbox.Sandbox, f)),
    close,
    [Symbol.asyncDispose]: close
  }
}
