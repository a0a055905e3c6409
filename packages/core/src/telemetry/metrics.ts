/** The metrics: their names, and how they reach Effect's own metrics. */
import type * as Context from "effect/Context"
import * as Metric from "effect/Metric"

/** A metric. */
export interface Definition {
  readonly name: string
  readonly type: "counter" | "gauge" | "histogram"
  /** The unit in UCUM: `s` for seconds, `{call}` for a number of calls. */
  readonly unit: string
  readonly description: string
  /** The names of its attributes. */
  readonly attributes: ReadonlyArray<string>
}

/** The attributes of one value. Those that are `undefined` are left out. */
export type Attributes = Readonly<Record<string, string | undefined>>

/** Takes the values of metrics. */
export interface Meter {
  readonly update: (metric: Definition, value: number, attributes: Attributes) => void
}

/** The upper bounds of the histograms, in seconds: those that OpenTelemetry advises for HTTP. */
export const secondBounds = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10]

const define = (
  name: string,
  type: Definition["type"],
  unit: string,
  description: string,
  ...attributes: ReadonlyArray<string>
): Definition => ({ name, type, unit, description, attributes })

/** All metrics. */
export const metrics = {
  calls: define("qq.calls", "counter", "{call}", "Calls, by result", "qq.app", "qq.endpoint", "qq.result"),
  callDuration: define(
    "qq.call.duration",
    "histogram",
    "s",
    "Time of a call, with waits, token and retries",
    "qq.endpoint",
    "qq.result"
  ),
  requestDuration: define(
    "qq.request.duration",
    "histogram",
    "s",
    "Time of one HTTP request",
    "http.request.method",
    "server.address",
    "qq.endpoint",
    "http.response.status_code",
    "error.type"
  ),
  retries: define(
    "qq.retries",
    "counter",
    "{retry}",
    "Repeated requests, by the failure before",
    "qq.endpoint",
    "error.type"
  ),
  fetches: define(
    "qq.token.fetches",
    "counter",
    "{fetch}",
    "Fetches of a token",
    "qq.app",
    "qq.token.cause",
    "qq.result"
  ),
  tokenAge: define("qq.token.age", "gauge", "s", "Age of the token in use", "qq.app"),
  leaseWait: define("qq.token.wait", "histogram", "s", "Wait for a token that another process fetches", "qq.app"),
  invalidated: define(
    "qq.token.invalidated",
    "counter",
    "{token}",
    "Tokens that QQ refused before they expired",
    "qq.app"
  ),
  contested: define(
    "qq.token.contested",
    "counter",
    "{event}",
    "Reports that another deployment fetches tokens",
    "qq.app"
  ),
  quotaRemaining: define(
    "qq.quota.remaining",
    "gauge",
    "{call}",
    "Calls that are allowed right now",
    "qq.app",
    "qq.endpoint"
  ),
  quotaWait: define("qq.quota.wait", "histogram", "s", "Waits for a place in QQ's quota", "qq.app", "qq.endpoint"),
  storeErrors: define(
    "qq.store.errors",
    "counter",
    "{error}",
    "Failed operations of a store",
    "qq.store",
    "qq.operation"
  ),
  broadcast: define(
    "qq.broadcast.recipients",
    "gauge",
    "{recipient}",
    "Recipients of a broadcast, by state",
    "qq.broadcast",
    "qq.state"
  )
} as const satisfies Record<string, Definition>

const make = ({ description, name, type, unit }: Definition, given: Attributes): Metric.Metric<number, unknown> => {
  const attributes: Record<string, string> = { unit }
  for (const [key, value] of Object.entries(given)) if (value !== undefined) attributes[key] = value
  const options = { description, attributes }
  switch (type) {
    case "counter":
      return Metric.counter(name, { ...options, incremental: true })
    case "gauge":
      return Metric.gauge(name, options)
    case "histogram":
      return Metric.histogram(name, { ...options, boundaries: secondBounds })
  }
}

/** A meter that updates Effect's own metrics, in the registry of a context. */
export const effectMeter = (context: Context.Context<never>): Meter => {
  const known = new Map<string, Metric.Metric<number, unknown>>()
  return {
    update: (definition, value, attributes) => {
      const key = [definition.name, ...Object.values(attributes)].join("\n")
      let metric = known.get(key)
      if (metric === undefined) known.set(key, (metric = make(definition, attributes)))
      metric.updateUnsafe(value, context)
    }
  }
}
