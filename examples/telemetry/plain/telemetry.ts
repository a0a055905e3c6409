/**
 * OpenTelemetry's SDK for an app without Effect: where spans and metrics go. A real app sends both to a collector, with
 * `OTLPTraceExporter` and `OTLPMetricExporter`.
 */
import * as api from "@opentelemetry/api"
import { MeterProvider, PeriodicExportingMetricReader, type PushMetricExporter } from "@opentelemetry/sdk-metrics"
import { BatchSpanProcessor, NodeTracerProvider, type SpanExporter } from "@opentelemetry/sdk-trace-node"

/** Starts the SDK. Returns a function that sends what is left, and stops it. */
export const startTelemetry = (spans: SpanExporter, metrics: PushMetricExporter): (() => Promise<void>) => {
  const tracers = new NodeTracerProvider({ spanProcessors: [new BatchSpanProcessor(spans)] })
  tracers.register()
  const meters = new MeterProvider({ readers: [new PeriodicExportingMetricReader({ exporter: metrics })] })
  api.metrics.setGlobalMeterProvider(meters)
  return async () => {
    await Promise.all([tracers.shutdown(), meters.shutdown()])
    for (const part of [api.trace, api.metrics, api.context]) part.disable()
  }
}

export { api }
