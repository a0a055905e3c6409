/** Hands spans and metrics to `@opentelemetry/api`, which an app passes in. Nothing of it is imported. */
import * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import type * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Tracer from "effect/Tracer"
import { isQQError } from "../reason/error.ts"
import { type Attributes, type Definition, type Meter, secondBounds } from "./metrics.ts"

type Value = string | number | boolean
/** Seconds and nanoseconds. */
type Time = [number, number]

interface Exception {
  name: string
  message: string
  stack?: string
}

/** The part of OpenTelemetry's `Span` that is used. */
export interface OtelSpan {
  spanContext(): { readonly traceId: string; readonly spanId: string; readonly traceFlags: number }
  setAttribute(key: string, value: Value): unknown
  addEvent(name: string, attributes?: Record<string, Value>, time?: Time): unknown
  setStatus(status: { code: number; message?: string }): unknown
  recordException(exception: Exception, time?: Time): unknown
  end(time?: Time): void
}

interface OtelInstrument {
  add?(value: number, attributes: Record<string, Value>): void
  record?(value: number, attributes: Record<string, Value>): void
}
interface InstrumentOptions {
  description: string
  unit: string
  advice?: { explicitBucketBoundaries: Array<number> }
}
interface OtelMeter {
  createCounter(name: string, options: InstrumentOptions): OtelInstrument
  createHistogram(name: string, options: InstrumentOptions): OtelInstrument
  /** Missing before version 1.9. */
  createGauge?(name: string, options: InstrumentOptions): OtelInstrument
}

/** The part of `@opentelemetry/api` that is used: `import * as api from "@opentelemetry/api"`. Version 1.9 or later. */
export interface OpenTelemetryApi {
  readonly trace: {
    getTracer(name: string): {
      startSpan(name: string, options: { kind: number; root: boolean; startTime: Time }, context: never): OtelSpan
    }
    setSpan(context: never, span: never): unknown
    setSpanContext(context: never, spanContext: { traceId: string; spanId: string; traceFlags: number }): unknown
  }
  readonly context: { active(): unknown }
  readonly metrics: { getMeterProvider(): { getMeter(name: string): OtelMeter } }
}

const scope = "qq-mini"
const kinds = { internal: 0, server: 1, client: 2, producer: 3, consumer: 4 } as const
const statusError = 2
const sampledFlag = 1

const timeOf = (nanos: bigint): Time => [Number(nanos / 1_000_000_000n), Number(nanos % 1_000_000_000n)]

const isValue = (u: unknown): u is Value => typeof u === "string" || typeof u === "number" || typeof u === "boolean"

/** A span of Effect's that is one of OpenTelemetry's. */
class Span implements Tracer.Span {
  readonly _tag = "Span"
  readonly name: string
  readonly parent: Option.Option<Tracer.AnySpan>
  readonly annotations: Context.Context<never>
  readonly links: Array<Tracer.SpanLink>
  readonly kind: Tracer.SpanKind
  readonly attributes = new Map<string, unknown>()
  readonly spanId: string
  readonly traceId: string
  readonly sampled: boolean
  readonly span: OtelSpan
  status: Tracer.SpanStatus

  constructor(options: Parameters<Tracer.Tracer["span"]>[0], span: OtelSpan) {
    this.name = options.name
    this.parent = options.parent
    this.annotations = options.annotations
    this.links = options.links
    this.kind = options.kind
    this.span = span
    const { spanId, traceFlags, traceId } = span.spanContext()
    this.spanId = spanId
    this.traceId = traceId
    this.sampled = (traceFlags & sampledFlag) === sampledFlag
    this.status = { _tag: "Started", startTime: options.startTime }
  }

  attribute(key: string, value: unknown): void {
    this.attributes.set(key, value)
    if (isValue(value)) this.span.setAttribute(key, value)
  }

  event(name: string, time: bigint, attributes: Record<string, unknown> = {}): void {
    const values = Object.fromEntries(Object.entries(attributes).filter(([, value]) => isValue(value)))
    this.span.addEvent(name, values as Record<string, Value>, timeOf(time))
  }

  addLinks(links: ReadonlyArray<Tracer.SpanLink>): void {
    this.links.push(...links)
  }

  end(endTime: bigint, exit: Exit.Exit<unknown, unknown>): void {
    this.status = { _tag: "Ended", startTime: this.status.startTime, endTime, exit }
    if (exit._tag === "Failure" && !Cause.hasInterruptsOnly(exit.cause)) {
      const found = Cause.findFail(exit.cause)
      const failed = found._tag === "Success" ? found.success.error : undefined
      // S1: of a defect, and of an error that is not ours, nothing is shown.
      const failure = isQQError(failed) ? failed : undefined
      this.span.setStatus({ code: statusError, ...(failure === undefined ? {} : { message: failure.message }) })
      if (failure !== undefined) {
        const { message, name, stack = "" } = failure
        this.span.recordException({ name, message, stack }, timeOf(endTime))
      }
    }
    this.span.end(timeOf(endTime))
  }
}

/**
 * A tracer of Effect's over the app's tracer. A span without a parent belongs to the span that is active in the app: a
 * fiber of Effect's keeps the async context of its start.
 */
export const makeTracer = ({ context, trace }: OpenTelemetryApi): Tracer.Tracer => {
  const tracer = trace.getTracer(scope)
  const contextOf = (parent: Tracer.AnySpan | undefined) => {
    const active = context.active() as never
    if (parent === undefined) return active
    if (parent instanceof Span) return trace.setSpan(active, parent.span as never)
    const { sampled, spanId, traceId } = parent
    return trace.setSpanContext(active, { traceId, spanId, traceFlags: sampled ? sampledFlag : 0 })
  }
  return Tracer.make({
    span: (options) => {
      const { kind, name, parent, root, startTime } = options
      const started = { kind: kinds[kind], root, startTime: timeOf(startTime) }
      return new Span(options, tracer.startSpan(name, started, contextOf(Option.getOrUndefined(parent)) as never))
    }
  })
}

const instrumentOf = (meter: OtelMeter, { description, name, type, unit }: Definition): OtelInstrument => {
  switch (type) {
    case "counter":
      return meter.createCounter(name, { description, unit })
    case "gauge":
      return meter.createGauge?.(name, { description, unit }) ?? {}
    case "histogram":
      return meter.createHistogram(name, {
        description,
        unit,
        advice: { explicitBucketBoundaries: [...secondBounds] }
      })
  }
}

/** A meter over the app's meter. */
export const makeMeter = ({ metrics }: OpenTelemetryApi): Meter => {
  let known: unknown
  let meter: OtelMeter
  let instruments = new Map<string, OtelInstrument>()
  return {
    update: (definition, value, given: Attributes) => {
      // An app may start its SDK after the client was made.
      const provider = metrics.getMeterProvider()
      if (provider !== known) {
        known = provider
        meter = provider.getMeter(scope)
        instruments = new Map()
      }
      let instrument = instruments.get(definition.name)
      if (instrument === undefined) instruments.set(definition.name, (instrument = instrumentOf(meter, definition)))
      const attributes: Record<string, Value> = {}
      for (const [key, value] of Object.entries(given)) if (value !== undefined) attributes[key] = value
      if (instrument.add !== undefined) instrument.add(value, attributes)
      else instrument.record?.(value, attributes)
    }
  }
}
