/** What an operator sees is what `docs/telemetry.md` lists, and no more. */
import { assert, describe, it } from "@effect/vitest"
import * as Telemetry from "@qq-mini/core/Telemetry"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as Otlp from "effect/observability/Otlp"
import * as PrometheusMetrics from "effect/observability/PrometheusMetrics"
import * as References from "effect/References"
import { readFileSync } from "node:fs"
import { assertNone } from "./support/seen.ts"
import { scene } from "./support/telemetryScene.ts"

const read = (name: string) => readFileSync(new URL(`../../docs/${name}`, import.meta.url), "utf8")

/** The rows of the table whose first column has this name, as cells. */
const rowsOf = (text: string, head: string): ReadonlyArray<ReadonlyArray<string>> => {
  const lines = text.split("\n")
  const start = lines.findIndex((line) => line.startsWith(`| ${head} |`))
  assert.isAtLeast(start, 0, `no table of ${head}`)
  const end = lines.findIndex((line, i) => i > start && !line.startsWith("|"))
  return lines.slice(start + 2, end).map((line) =>
    line
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim())
  )
}

const codesIn = (cell: string) => Array.from(cell.matchAll(/`([^`]+)`/g), ([, code]) => code!)

const page = read("telemetry.md")

/** The pairs of a span and an attribute that are listed. */
const listedAttributes = rowsOf(page, "attribute")
  .flatMap(([name, spans]) => spans!.split(", ").map((span) => `${span}: ${codesIn(name!)[0]}`))
  .toSorted()

const kindOf = (name: string) =>
  name === "QQMini.AccessToken.fetch" ? "fetch" : name.startsWith("QQMini.") ? "call" : "request"

interface KeyValue {
  readonly key: string
  readonly value: unknown
}

/** A collector that keeps what it gets, by the last part of the path. */
const collector = (bodies: Array<readonly [path: string, json: any]>) =>
  Layer.succeed(
    HttpClient.HttpClient,
    HttpClient.make((request) =>
      Effect.sync(() => {
        assert.strictEqual(request.body._tag, "Uint8Array")
        const text = new TextDecoder().decode((request.body as { readonly body: Uint8Array }).body)
        bodies.push([request.url.split("/").at(-1)!, JSON.parse(text)])
        return HttpClientResponse.fromWeb(request, new Response("{}"))
      })
    )
  )

describe("telemetry", () => {
  it.live("S1: has the spans, attributes and metrics that docs/telemetry.md lists, no others, and no secret", () =>
    Effect.gen(function* () {
      const bodies: Array<readonly [path: string, json: any]> = []
      const { prometheus, secrets } = yield* Effect.gen(function* () {
        const secrets = yield* scene(Telemetry.layer)
        return { secrets, prometheus: yield* PrometheusMetrics.format() }
      }).pipe(
        Effect.provide(
          Otlp.layerJson({
            baseUrl: "http://collector",
            resource: { serviceName: "test" },
            loggerMergeWithExisting: false
          }).pipe(Layer.provide(collector(bodies)))
        ),
        Effect.provideService(References.MinimumLogLevel, "All"),
        Effect.provideService(Metric.MetricRegistry, new Map())
      )
      const ofPath = (path: string) => bodies.filter(([name]) => name === path).map(([, json]) => json)

      const spans: ReadonlyArray<any> = ofPath("traces")
        .flatMap(({ resourceSpans }) => resourceSpans)
        .flatMap(({ scopeSpans }) => scopeSpans)
        .flatMap(({ spans }) => spans)
      const attributes = new Set<string>()
      const names = new Set<string>()
      for (const { attributes: all, name } of spans) {
        names.add(name)
        for (const { key } of all as ReadonlyArray<KeyValue>) attributes.add(`${kindOf(name)}: ${key}`)
      }
      assert.deepStrictEqual([...attributes].toSorted(), listedAttributes)
      assert.includeMembers(
        [...names],
        [
          "QQMini.security.msgSecCheck",
          "POST /api/json/security/MsgSecCheck",
          "QQMini.request",
          "POST",
          "GET /api/getToken"
        ]
      )
      // A request belongs to its call, or to the fetch of a token.
      const byId = new Map(spans.map((span) => [span.spanId, span]))
      for (const { name, parentSpanId } of spans) {
        const parent = byId.get(parentSpanId)
        if (kindOf(name) === "request") assert.notStrictEqual(kindOf(parent.name), "request")
        else assert.isUndefined(parent)
      }

      const metrics = new Map<string, { type: string; unit: string; attributes: Set<string> }>()
      for (const { resourceMetrics } of ofPath("metrics")) {
        for (const { description: _, name, unit, ...data } of resourceMetrics[0].scopeMetrics[0].metrics) {
          const type = data.histogram ? "histogram" : data.gauge ? "gauge" : "counter"
          const metric = metrics.get(name) ?? { type, unit, attributes: new Set() }
          metrics.set(name, metric)
          for (const { attributes } of (data.histogram ?? data.gauge ?? data.sum).dataPoints) {
            for (const { key } of attributes as ReadonlyArray<KeyValue>) if (key !== "unit") metric.attributes.add(key)
          }
        }
      }
      assert.deepStrictEqual(
        [...metrics]
          .map(([name, { attributes, type, unit }]) => [name, type, unit, ...[...attributes].toSorted()])
          .toSorted(),
        rowsOf(page, "metric")
          .map(([name, type, unit, attributes]) => [
            ...codesIn(name!),
            type!,
            ...codesIn(unit!),
            ...codesIn(attributes!).toSorted()
          ])
          .toSorted()
      )
      for (const name of metrics.keys()) assert.include(prometheus, name.replaceAll(".", "_"))
      // The second call of a minute waited for a place.
      assert.match(prometheus, /qq_quota_wait_sum\{.*\} [56]\d/)

      assert.isAbove(ofPath("logs").length, 0)
      assert.isAbove(secrets.size, 10)
      assertNone(JSON.stringify(bodies) + prometheus, secrets)
    })
  )

  it("the dashboard and the alerts of the example ask for metrics and labels that there are", () => {
    const underscored = (name: string) => name.replaceAll(".", "_")
    const labels = new Map<string, ReadonlyArray<string>>()
    for (const { attributes, name, type } of Object.values(Telemetry.metrics)) {
      const shown = underscored(name)
      labels.set(type === "histogram" ? `${shown}_bucket` : shown, [...attributes.map(underscored), "le"])
    }
    const example = (name: string) => readFileSync(new URL(`../../examples/telemetry/${name}`, import.meta.url), "utf8")
    const { panels } = JSON.parse(example("grafana.json"))
    const shown: ReadonlyArray<string> = panels.flatMap(({ targets }: any) => targets.map(({ expr }: any) => expr))
    const alerts = Array.from(example("alerts.yml").matchAll(/^ +expr: '(.*)'$/gm), ([, expr]) => expr!)
    const used = new Set<string>()
    for (const expr of [...shown, ...alerts]) {
      const inner = expr.replaceAll(/by \([^)]*\)/g, "")
      const names = Array.from(inner.matchAll(/\bqq_\w+(?=[{[)\s])/g), ([name]) => name!)
      assert.isNotEmpty(names, expr)
      for (const name of names) {
        used.add(name)
        assert.isTrue(labels.has(name), `${name} in ${expr}`)
        const asked = [...expr.matchAll(/by \(([^)]*)\)/g)].flatMap(([, list]) => list!.split(", "))
        const matched = Array.from(inner.matchAll(/[{,]\s*(\w+)[=!]~?"/g), ([, label]) => label!)
        assert.includeMembers([...labels.get(name)!], [...asked, ...matched], expr)
      }
    }
    assert.deepStrictEqual(
      [...labels.keys()].filter((name) => !used.has(name)),
      []
    )
  })

  it("is listed in both languages alike", () => {
    const chinese = read("zh-CN/telemetry.md")
    for (const [head, zh] of [
      ["attribute", "属性"],
      ["metric", "指标"],
      ["hook", "钩子"]
    ] as const) {
      const named = (rows: ReadonlyArray<ReadonlyArray<string>>) => rows.map(([name]) => name)
      assert.deepStrictEqual(named(rowsOf(chinese, zh)), named(rowsOf(page, head)))
    }
  })
})
