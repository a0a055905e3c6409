/**
 * An Effect program that shows what it does: traces, metrics and logs go to a collector by OTLP, and Prometheus reads the
 * metrics at /metrics.
 *
 *     QQ_APPID=… QQ_APPSECRET=… OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318 node telemetry/effect.ts
 */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Security from "@qq-mini/core/Security"
import * as Telemetry from "@qq-mini/core/Telemetry"
import * as NodeQQMini from "@qq-mini/node/NodeQQMini"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as Otlp from "effect/observability/Otlp"
import * as PrometheusMetrics from "effect/observability/PrometheusMetrics"
import { createServer } from "node:http"

/** Checks what is posted to it. */
const comments = HttpRouter.add(
  "POST",
  "/comments",
  Effect.gen(function* () {
    const content = yield* (yield* HttpServerRequest.HttpServerRequest).text
    const { risky } = yield* Security.msgSecCheck({ content })
    return HttpServerResponse.empty({ status: risky ? 422 : 201 })
  }).pipe(
    // A check that could not be made is not a pass.
    Effect.catchCause((cause) =>
      Effect.as(Effect.logError("A comment could not be checked", cause), HttpServerResponse.empty({ status: 503 }))
    )
  )
)

const server = HttpRouter.serve(Layer.merge(comments, PrometheusMetrics.layerHttp())).pipe(
  Layer.provide(NodeHttpServer.layer(createServer, { host: "127.0.0.1", port: 9464 })),
  Layer.provide(NodeQQMini.layerConfig.pipe(Layer.provide(Telemetry.layer)))
)

const exporter = Layer.unwrap(
  Effect.map(
    Config.String("OTEL_EXPORTER_OTLP_ENDPOINT").pipe(Config.withDefault("http://127.0.0.1:4318")),
    (baseUrl) => Otlp.layerJson({ baseUrl, resource: { serviceName: "comments" } })
  )
).pipe(Layer.provide(FetchHttpClient.layer))

NodeRuntime.runMain(Layer.launch(server.pipe(Layer.provide(exporter))))
