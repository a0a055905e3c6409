/** How serverless runtimes treat a call: settings for them, requests that they drop, and waitUntil. */
import * as QQMini from "@qq-mini/core/QQMini"
import * as Sandbox from "@qq-mini/sandbox/Sandbox"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

/** Cloud functions: nothing may run after the answer, so that one caller waits for a renewal. */
export const perInvocation = Layer.succeed(QQMini.Settings, { ...QQMini.Settings.defaultValue(), runs: "invocation" })

/** Workers: besides, no request may wait for what another one began, so that each of them fetches for itself. */
export const requestSettings: QQMini.Settings = {
  ...QQMini.Settings.defaultValue(),
  runs: "request",
  maxInFlight: Infinity
}

export const perRequest = Layer.succeed(QQMini.Settings, requestSettings)

/** A sandbox and a client for cloud functions. */
export const invocationClient = Sandbox.layer.pipe(Layer.provide(perInvocation))

/** A sandbox and a client for Workers. */
export const requestClient = Sandbox.layer.pipe(Layer.provide(perRequest))

/** Starts an effect in a request that the runtime drops: its timers never fire, and nothing interrupts it. */
export const dropped = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.flatMap(Clock.Clock, (clock) =>
    Effect.forkDetach(
      Effect.provideService(effect, Clock.Clock, Object.create(clock, { sleep: { value: () => Effect.never } })),
      { startImmediately: true }
    )
  )

/** A call of a request that has a waitUntil; it adds to `work` what goes on after the answer. */
export const withWaitUntil = <A, E, R>(work: Array<Promise<unknown>>, call: Effect.Effect<A, E, R>) =>
  Effect.provideService(call, QQMini.WaitUntil, (promise: Promise<unknown>) => void work.push(promise))
