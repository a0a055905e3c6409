/**
 * What an operator sees: spans, metrics and hooks. `docs/telemetry.md` lists them all. They never show a secret.
 *
 * Provide {@link layer} to the layer of a client, and the exporters of `effect/observability` to the program:
 *
 * ```ts
 * const client = NodeQQMini.layerConfig.pipe(Layer.provide(Telemetry.layer))
 * const main = program.pipe(Effect.provide(client), Effect.provide(Otlp.layerJson({ baseUrl })))
 * ```
 *
 * Without it, a client has no code for telemetry, and its calls spend no time on it.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Broadcasts from "./telemetry/broadcasts.ts"
import * as Calls from "./telemetry/calls.ts"
import type { Hooks } from "./telemetry/hooks.ts"
import { effectMeter, type Meter } from "./telemetry/metrics.ts"
import { type Observable, Observe, type Observers, unobserved } from "./telemetry/observe.ts"
import { isTraced } from "./telemetry/record.ts"
import { TokenAges } from "./telemetry/tokens.ts"
import * as Tokens from "./telemetry/tokens.ts"

export type {
  /** Functions that are called with each request. */
  Hooks,
  /** A request to QQ. */
  RequestEvent,
  /** The end of a request. */
  ResponseEvent,
  /** A request that is about to be repeated. */
  RetryEvent
} from "./telemetry/hooks.ts"
export {
  /** All metrics, with their names, types, units and attributes. */
  metrics,
  /** The upper bounds of the histograms, in seconds. */
  secondBounds
} from "./telemetry/metrics.ts"
export type {
  /** The attributes of one value of a metric. */
  Attributes,
  /** A metric. */
  Definition,
  /** Takes the values of metrics. */
  Meter
} from "./telemetry/metrics.ts"

/** Makes what observes a client. Spans go to the tracer of each call, if there is one. */
export const make = ({ hooks, meter }: { readonly hooks?: Hooks; readonly meter?: Meter } = {}): Observe => {
  const ages = new TokenAges()
  const broadcast = meter === undefined ? undefined : Broadcasts.make(meter)
  const observers: Observers<keyof Observable> = {
    ...Calls.make({ meter, hooks }, ages),
    ...Tokens.make(meter, ages),
    broadcast: (part) => broadcast ?? part
  }
  return (name, part) => observers[name](part)
}

/** Spans for the tracer of the program, and Effect's own metrics. Provide it to the layer of a client. */
export const layer: Layer.Layer<never> = /* @__PURE__ */ Layer.effect(
  Observe,
  /* @__PURE__ */ Effect.map(Effect.context<never>(), (context) => make({ meter: effectMeter(context) }))
)

/** As {@link layer}, with functions that are called with each request. */
export const layerHooks = (hooks: Hooks): Layer.Layer<never> =>
  Layer.effect(
    Observe,
    Effect.map(Effect.context<never>(), (context) => make({ meter: effectMeter(context), hooks }))
  )

/**
 * Spans alone, if the program has a tracer when the client is made, and the client is not observed already. For adapters
 * whose programs need not be small.
 */
export const layerSpans: Layer.Layer<never> = /* @__PURE__ */ Layer.effect(
  Observe,
  /* @__PURE__ */ Effect.withFiber((fiber) => {
    const observe = fiber.getRef(Observe)
    return Effect.succeed(observe === unobserved && isTraced(fiber) ? make() : observe)
  })
)
