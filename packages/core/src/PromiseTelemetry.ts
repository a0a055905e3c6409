/** Telemetry for apps without Effect: their own `@opentelemetry/api`, and functions that are called with each request. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Tracer from "effect/Tracer"
import * as App from "./App.ts"
import type { QQError } from "./reason/error.ts"
import { make } from "./Telemetry.ts"
import type { Hooks } from "./telemetry/hooks.ts"
import { Observe } from "./telemetry/observe.ts"
import { makeMeter, makeTracer, type OpenTelemetryApi } from "./telemetry/openTelemetry.ts"

export type {
  /** The part of `@opentelemetry/api` that is used. */
  OpenTelemetryApi
} from "./telemetry/openTelemetry.ts"
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

/** The options of `createQQMini` about telemetry. */
export interface Options extends Hooks {
  /**
   * Where spans and metrics go: the app's own `@opentelemetry/api`, version 1.9 or later. `createQQMini({ telemetry: {
   * api } })` after `import * as api from "@opentelemetry/api"`.
   */
  readonly telemetry?: { readonly api: OpenTelemetryApi } | undefined
}

/** The names of {@link Options}, each with the names that other clients have for it. */
export const names = {
  telemetry: ["openTelemetry", "tracing"],
  onRequest: ["beforeRequest"],
  onResponse: ["afterResponse"],
  onRetry: ["beforeRetry"]
} satisfies Record<keyof Options, ReadonlyArray<string>>

const isApi = (api: OpenTelemetryApi | undefined): boolean =>
  typeof api?.trace?.getTracer === "function" &&
  typeof api.context?.active === "function" &&
  typeof api.metrics?.getMeterProvider === "function"

/** Checks the options. Fails with a `QQError` for the first wrong one. */
export const check = ({ onRequest, onResponse, onRetry, telemetry }: Options): Effect.Effect<void, QQError> => {
  for (const [name, hook] of Object.entries({ onRequest, onResponse, onRetry })) {
    if (hook !== undefined && typeof hook !== "function") {
      return Effect.fail(App.invalidConfig(name, "must be a function", "必须是函数"))
    }
  }
  return telemetry === undefined || isApi(telemetry?.api)
    ? Effect.void
    : Effect.fail(
        App.invalidConfig(
          "telemetry",
          'must be { api }, where api is the package @opentelemetry/api: import * as api from "@opentelemetry/api"',
          '必须是 { api }，其中 api 是 @opentelemetry/api 包：import * as api from "@opentelemetry/api"'
        )
      )
}

/** Whether the options ask for anything. */
export const isGiven = ({ onRequest, onResponse, onRetry, telemetry }: Options): boolean =>
  [telemetry, onRequest, onResponse, onRetry].some((option) => option !== undefined)

/** What observes a client, and the tracer of its calls. */
export const layer = (options: Options): Layer.Layer<never> => {
  const api = options.telemetry?.api
  const observe = (meter?: ReturnType<typeof makeMeter>) =>
    Layer.succeed(Observe, make({ hooks: options, ...(meter === undefined ? {} : { meter }) }))
  return api === undefined
    ? observe()
    : Layer.merge(observe(makeMeter(api)), Layer.succeed(Tracer.Tracer, makeTracer(api)))
}
