/**
 * A plain app that shows what it does: its spans and metrics go to the console, and a line says so when a request is
 * repeated.
 *
 *     QQ_APPID=… QQ_APPSECRET=… node telemetry/plain/app.ts "the text to check"
 */
import { ConsoleMetricExporter } from "@opentelemetry/sdk-metrics"
import { ConsoleSpanExporter } from "@opentelemetry/sdk-trace-node"
import { createQQMini } from "@qq-mini/node"
import { api, startTelemetry } from "./telemetry.ts"

const stop = startTelemetry(new ConsoleSpanExporter(), new ConsoleMetricExporter())

const qq = createQQMini({
  telemetry: { api },
  onRetry: ({ attempt, endpoint, error, waited }) =>
    console.error(`${endpoint}: request ${attempt} after ${error}, ${Math.round(waited)} ms later`)
})

// A framework's instrumentation makes such a span of each request of a visitor.
await api.trace.getTracer("app").startActiveSpan("POST /comments", async (span) => {
  try {
    const { risky } = await qq.security.msgSecCheck({ content: process.argv[2] ?? "你好" })
    console.log(risky ? "risky" : "passed")
  } catch (error) {
    console.error(error)
  } finally {
    span.end()
  }
})

await qq.close()
await stop()
