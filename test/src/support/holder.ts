/**
 * One process of a deployment, for tests with several processes. It reads commands from the standard input, one line of
 * JSON each, and answers each with a line. It also writes a line for every token event. It has one client at a time,
 * from `begin` to `end`, so several tests can use it one after the other without starting Node again.
 */
import * as AccessToken from "@qq-mini/core/AccessToken"
import * as App from "@qq-mini/core/App"
import * as Auth from "@qq-mini/core/Auth"
import type { QQError } from "@qq-mini/core/QQError"
import * as QQMini from "@qq-mini/core/QQMini"
import * as Quota from "@qq-mini/core/Quota"
import * as Security from "@qq-mini/core/Security"
import * as SubscribeMessage from "@qq-mini/core/SubscribeMessage"
import * as TokenCache from "@qq-mini/core/TokenCache"
import * as NodeTransport from "@qq-mini/node/NodeTransport"
import * as SqliteTokenCache from "@qq-mini/node/SqliteTokenCache"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import { createHash } from "node:crypto"
import { writeSync } from "node:fs"
import { createInterface } from "node:readline"
import { withLimits } from "./limits.ts"

/** A step of a fetch at which the process stops for good. */
export type Step = "before the lease" | "after the lease" | "after QQ answered" | "after the write"

/** The configuration of its client. */
export interface Config {
  readonly baseUrl: string
  readonly apps: ReadonlyArray<App.AppCredentialsInput>
  /** An address of Redis, or the path of a file for SQLite. */
  readonly store: string
  readonly stopAt?: Step | undefined
  /** Milliseconds for which its event loop stands still after its first lease. */
  readonly stallAfterLease?: number | undefined
  /** Milliseconds by which its clock is ahead. */
  readonly clock?: number | undefined
  /** Milliseconds that an answer may take: a minute, so that a busy machine loses none. */
  readonly attemptTimeout?: number | undefined
  /** How many requests are on their way at once. */
  readonly maxInFlight?: number | undefined
  /** In the place of QQ's own limits. */
  readonly limit?: Quota.Limit | undefined
}

/** A command. */
export type Command =
  | { readonly do: "begin"; readonly config: Config }
  | { readonly do: "end" }
  /** Sends several messages at once, to a user who did not subscribe. If QQ refuses only this, the token was valid. */
  | { readonly do: "send"; readonly times: number; readonly touser: string; readonly template_id: string }
  /** Makes checks in several fibers, one after the other in each, for a number of milliseconds. */
  | {
      readonly do: "check"
      readonly millis: number
      readonly fibers: number
      readonly pause?: number | undefined
      readonly deadline?: number | undefined
      /** Ends sooner, when the quota is full. */
      readonly untilFull?: boolean | undefined
    }
  /** Which token it has. */
  | { readonly do: "token" }

/** How often each outcome came: `ok`, or the reason of the error. */
export type Tally = Readonly<Record<string, number>>

const say = (line: unknown) => process.stdout.write(`${JSON.stringify(line)}\n`)

/** The configuration of the last `begin`. */
let config: Config

const { now } = Date
Date.now = () => now() + (config?.clock ?? 0)

const stopped = (step: Step) =>
  Effect.andThen(
    Effect.sync(() => say({ stopped: step })),
    Effect.never
  )

let stalls = false
/** Blocks the event loop, once. */
const stall = Effect.sync(() => {
  if (!stalls) return
  stalls = false
  // at once, since nothing is written while the loop stands still
  writeSync(1, `${JSON.stringify({ stopped: "after the lease" })}\n`)
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, config.stallAfterLease)
})

const stopping = Layer.effect(
  TokenCache.TokenCache,
  Effect.map(TokenCache.TokenCache, (cache) =>
    TokenCache.TokenCache.of({
      ...cache,
      lease: (key, options) => {
        if (config.stopAt === "before the lease") return stopped("before the lease")
        const lease = Effect.tap(cache.lease(key, options), stall)
        return config.stopAt === "after the lease" ? Effect.andThen(lease, stopped("after the lease")) : lease
      },
      write: (key, options) => {
        if (config.stopAt === "after QQ answered") return stopped("after QQ answered")
        const write = cache.write(key, options)
        return config.stopAt === "after the write" ? Effect.andThen(write, stopped("after the write")) : write
      }
    })
  )
)

const scaled = (limit: Quota.Limit) =>
  Layer.effect(
    Quota.Quota,
    Effect.map(Quota.Quota, (quota) => withLimits(quota, () => [limit]))
  )

const tellEvents = Layer.effectDiscard(
  Effect.forkScoped(Stream.runForEach(AccessToken.events, ({ _tag }) => Effect.sync(() => say({ event: _tag }))))
)

const makeRuntime = async () => {
  const stores: Layer.Layer<TokenCache.TokenCache | Quota.Quota, QQError> = config.store.startsWith("redis")
    ? // loaded where it is used, since it takes as long as all the rest
      (await import("@qq-mini/node/RedisStores")).layer({ url: config.store })
    : Layer.merge(SqliteTokenCache.layer({ path: config.store }), Quota.layerMemory)
  stalls = config.stallAfterLease !== undefined
  const client = QQMini.layerStores.pipe(
    Layer.provide(
      // what comes later goes before
      Layer.mergeAll(
        stores,
        config.stopAt === undefined && !stalls ? Layer.empty : Layer.provide(stopping, stores),
        config.limit === undefined ? Layer.empty : Layer.provide(scaled(config.limit), stores)
      )
    ),
    Layer.provide(App.layerMany({ apps: config.apps })),
    Layer.provide(NodeTransport.layer),
    Layer.provide(
      Layer.succeed(QQMini.Settings, {
        ...QQMini.Settings.defaultValue(),
        deadline: 180_000,
        attemptTimeout: config.attemptTimeout ?? 60_000,
        ...(config.maxInFlight === undefined ? {} : { maxInFlight: config.maxInFlight }),
        baseUrl: config.baseUrl
      })
    )
  )
  return ManagedRuntime.make(Layer.provideMerge(tellEvents, client))
}

const tally = Effect.fnUntraced(function* (calls: Iterable<Effect.Effect<unknown, QQError, QQMini.QQMini>>) {
  const outcomes: Record<string, number> = {}
  yield* Effect.forEach(
    calls,
    (call) =>
      Effect.match(call, {
        onSuccess: () => "ok",
        onFailure: ({ reason }) => reason._tag as string
      }).pipe(Effect.map((outcome) => (outcomes[outcome] = (outcomes[outcome] ?? 0) + 1))),
    { concurrency: "unbounded", discard: true }
  )
  return outcomes
})

const send = (touser: string, template_id: string) =>
  SubscribeMessage.send({ touser, template_id, data: { keyword1: { value: "x" } } })

const run = (command: Exclude<Command, { do: "begin" | "end" }>): Effect.Effect<unknown, QQError, QQMini.QQMini> => {
  switch (command.do) {
    case "send":
      return tally(Array.from({ length: command.times }, () => send(command.touser, command.template_id)))
    case "check":
      return Effect.gen(function* () {
        const outcomes: Record<string, number> = {}
        const end = performance.now() + command.millis
        const isFull = () => command.untilFull === true && "QuotaReached" in outcomes
        const loop = Effect.gen(function* () {
          while (performance.now() < end && !isFull()) {
            const left = end - performance.now()
            const [outcome] = Object.keys(
              yield* tally([
                Security.msgSecCheck({ content: "x" }, { deadline: command.deadline ?? Math.max(1_000, left) })
              ])
            )
            outcomes[outcome!] = (outcomes[outcome!] ?? 0) + 1
            if (command.pause !== undefined) yield* Effect.sleep(command.pause)
          }
        })
        yield* Effect.all(
          Array.from({ length: command.fibers }, () => loop),
          { concurrency: "unbounded" }
        )
        return outcomes
      })
    case "token":
      return Effect.map(Auth.getAccessToken(), (token) =>
        createHash("sha256").update(Redacted.value(token)).digest("hex").slice(0, 12)
      )
  }
}

let runtime: Awaited<ReturnType<typeof makeRuntime>> | undefined
const obey = async (command: Command): Promise<unknown> => {
  switch (command.do) {
    case "begin":
      config = command.config
      runtime = await makeRuntime()
      return runtime.runPromise(Effect.void)
    case "end":
      return runtime?.dispose()
    default:
      return runtime?.runPromise(run(command))
  }
}

say({ ready: true })
for await (const line of createInterface({ input: process.stdin })) {
  const { id, ...command }: Command & { readonly id: number } = JSON.parse(line)
  void obey(command).then(
    (result) => say({ id, result }),
    (error) => say({ id, error: String(error) })
  )
}
await runtime?.dispose()
