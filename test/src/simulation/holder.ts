/** One holder of tokens: a client of its own, on a machine of its own. */
import * as AccessToken from "@qq-mini/core/AccessToken"
import * as App from "@qq-mini/core/App"
import * as Auth from "@qq-mini/core/Auth"
import * as Endpoint from "@qq-mini/core/Endpoint"
import { QQError, type Reason } from "@qq-mini/core/QQError"
import * as QQMini from "@qq-mini/core/QQMini"
import * as Quota from "@qq-mini/core/Quota"
import * as Security from "@qq-mini/core/Security"
import * as SubscribeMessage from "@qq-mini/core/SubscribeMessage"
import * as TokenCache from "@qq-mini/core/TokenCache"
import { Transport } from "@qq-mini/core/Transport"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import type { CallPlan, HolderPlan } from "./plan.ts"
import { app, template } from "./platform.ts"
import { type Draw, between } from "./random.ts"
import { type Clocks, Process, type Timeline } from "./scheduler.ts"

const free = Endpoint.post("security.msgSecCheck", Security.msgSecCheck.path, () => ({
  ...Security.msgSecCheck,
  quota: []
}))

const countedUpTo = [1, 2, 3, 4].map((limit) =>
  Endpoint.post("security.msgSecCheck", Security.msgSecCheck.path, () => ({
    ...Security.msgSecCheck,
    quota: [Quota.perMinute(limit)]
  }))
)

const credentials = (secret: HolderPlan["secret"]): App.AppCredentials => ({
  appid: app.appid,
  appsecret: App.redact(secret === "right" ? app.appsecret : "notTheSecret")
})

type Services = QQMini.QQMini | AccessToken.AccessToken

/** The effect of a call. */
const effectOf = (
  { id, kind }: Pick<CallPlan, "id" | "kind">,
  { limit, openid, secret }: { readonly limit: number; readonly openid: string; readonly secret: HolderPlan["secret"] }
): Effect.Effect<unknown, QQError | Reason, Services> => {
  switch (kind) {
    case "check":
      return free({ content: id })
    case "counted":
      return countedUpTo[limit - 1]!({ content: id })
    case "send":
      return SubscribeMessage.send({ touser: openid, template_id: template, data: { keyword1: { value: id } } })
    case "refresh":
      return Auth.getAccessToken({ cache: false })
    case "ahead":
      return Effect.flatMap(AccessToken.AccessToken, (tokens) => tokens.renewAhead(credentials(secret), 15_000))
  }
}

/** The name of an end: `success`, `stopped`, or the reason of a failure. */
export const outcomeOf = (exit: Exit.Exit<unknown, QQError | Reason>): string => {
  if (Exit.isSuccess(exit)) return "success"
  if (Cause.hasInterruptsOnly(exit.cause)) return "stopped"
  const failure = Cause.findFail(exit.cause)
  if (failure._tag === "Failure" || Cause.hasDies(exit.cause)) return `defect: ${Cause.pretty(exit.cause)}`
  const { error } = failure.success
  const reason = error instanceof QQError ? error.reason : error
  return reason._tag === "TimedOut" ? `TimedOut(${reason.during})` : reason._tag
}

/** A call under way, on the machine that it runs on: a Worker's request has one of its own. */
interface Active {
  readonly process: Process
  readonly end: (outcome: string) => void
  fiber: Fiber.Fiber<unknown, unknown> | undefined
}

export class Holder {
  readonly plan: HolderPlan
  readonly #timeline: Timeline
  readonly #draw: Draw
  readonly #parts: Context.Context<TokenCache.TokenCache | Quota.Quota | Transport>
  readonly #onEvent: (event: AccessToken.TokenEvent) => void
  readonly #clocks: Clocks
  readonly #active = new Set<Active>()
  #process!: Process
  #services!: Context.Context<Services>
  #frozenUntil = 0
  /** A cloud function does not run between its calls. */
  #isIdle = false
  isUp = false

  constructor(options: {
    readonly plan: HolderPlan
    readonly clocks: Clocks
    readonly timeline: Timeline
    readonly draw: Draw
    readonly cache: TokenCache.TokenCache["Service"]
    readonly quota: Quota.Quota["Service"]
    readonly transport: Transport["Service"]
    readonly onEvent: (event: AccessToken.TokenEvent) => void
  }) {
    this.plan = options.plan
    this.#timeline = options.timeline
    this.#draw = options.draw
    this.#onEvent = options.onEvent
    this.#clocks = options.clocks
    this.#parts = Context.make(TokenCache.TokenCache, options.cache).pipe(
      Context.add(Quota.Quota, options.quota),
      Context.add(Transport, options.transport)
    )
    this.start()
  }

  #machine(name: string): Process {
    const process = new Process(this.#timeline, name, this.#draw, this.#clocks)
    process.isFrozen = () => this.#isIdle || this.#timeline.now < this.#frozenUntil
    return process
  }

  /** Starts with nothing in memory. */
  start(): void {
    this.isUp = true
    const process = (this.#process = this.#machine(this.plan.name))
    const { attemptTimeout, maxInFlight, runs, secret } = this.plan
    const parts = Context.merge(this.#parts, process.context).pipe(
      Context.add(QQMini.Settings, { ...QQMini.Settings.defaultValue(), runs, maxInFlight, attemptTimeout }),
      Context.add(App.Apps, process.now(Effect.orDie(App.make({ apps: [credentials(secret)] }))))
    )
    const scope = Scope.makeUnsafe()
    this.#services = process.now(Effect.provideContext(Layer.buildWithScope(QQMini.layerStores, scope), parts))
    process.now(Context.get(this.#services, AccessToken.AccessToken).listen(this.#onEvent).pipe(Scope.provide(scope)))
    this.#isIdle = runs === "invocation"
  }

  get active(): number {
    return this.#active.size
  }

  /** Begins a call; `end` hears how it ended. */
  begin(
    call: Pick<CallPlan, "id" | "kind" | "stopAfter">,
    world: { readonly limit: number; readonly openid: string },
    { begin, end }: { readonly begin: () => void; readonly end: (outcome: string) => void }
  ): void {
    this.#isIdle = false
    const isRequest = this.plan.runs === "request"
    const process = isRequest ? this.#machine(`${this.plan.name}/${call.id}`) : this.#process
    const active: Active = { process, end, fiber: undefined }
    this.#active.add(active)
    process.later(() => {
      begin()
      const services =
        this.plan.waitUntil && isRequest ? Context.add(this.#services, QQMini.WaitUntil, () => {}) : this.#services
      const effect = effectOf(call, { ...world, secret: this.plan.secret })
      const fiber = process.fork(effect, services as Context.Context<Services>)
      active.fiber = fiber
      fiber.addObserver((exit) => this.#end(active, outcomeOf(exit)))
      if (call.stopAfter !== undefined) process.after(call.stopAfter, () => fiber.interruptUnsafe())
    })
  }

  #end(active: Active, outcome: string): void {
    if (!this.#active.delete(active)) return
    if (this.#active.size === 0 && this.plan.runs === "invocation") this.#isIdle = true
    if (active.process !== this.#process) {
      // a Worker's request is over soon after its answer
      const rest = this.plan.waitUntil ? 30_000 : between(this.#draw, 0, 5)
      this.#timeline.at(this.#timeline.now + rest, () => active.process.die())
    }
    active.end(outcome)
  }

  freeze(millis: number): void {
    this.#frozenUntil = Math.max(this.#frozenUntil, this.#timeline.now + millis)
    this.#timeline.at(this.#frozenUntil, () => {})
  }

  thaw(): void {
    this.#frozenUntil = 0
  }

  jump(millis: number): void {
    this.#clocks.wall += millis
  }

  /** The requests of a Worker that are under way stop unnoticed. */
  forget(): void {
    if (this.plan.runs !== "request") return
    for (const active of this.#active) this.#kill(active)
  }

  #kill(active: Active): void {
    active.process.die()
    this.#active.delete(active)
    active.end("died")
  }

  crash(): void {
    this.isUp = false
    this.#frozenUntil = 0
    this.#process.die()
    for (const active of this.#active) this.#kill(active)
  }
}
