/** Apps without Effect get spans and metrics in their own OpenTelemetry, and hooks. */
import * as Telemetry from "@qq-mini/core/Telemetry"
import * as PromiseTelemetry from "@qq-mini/core/PromiseTelemetry"
import * as TokenCache from "@qq-mini/core/TokenCache"
import * as Edge from "@qq-mini/edge"
import { createQQMini, isQQError, type Options } from "@qq-mini/node"
import { startSandbox } from "@qq-mini/sandbox/testing"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { assert, describe, it } from "vitest"
import { api, startTelemetry } from "../../examples/telemetry/plain/telemetry.ts"
import { assertNone, Seen } from "./support/seen.ts"

type Event = Parameters<NonNullable<Options["onResponse"]>>[0]

/** OpenTelemetry's SDK as the example starts it, with exporters that keep what they get. */
const collect = () => {
  const spans: Array<any> = []
  const metrics: Array<any> = []
  const done = { code: 0 }
  const stop = startTelemetry(
    {
      export: (batch, callback) => {
        spans.push(...batch)
        callback(done)
      },
      shutdown: () => Promise.resolve()
    },
    {
      export: (batch, callback) => {
        metrics.push(...batch.scopeMetrics.flatMap(({ metrics }) => metrics))
        callback(done)
      },
      forceFlush: () => Promise.resolve(),
      shutdown: () => Promise.resolve()
    }
  )
  return { metrics, spans, stop }
}

describe("telemetry of plain apps", () => {
  it("S1: spans belong to the app's spans, metrics are those of the list, and neither shows a secret", async () => {
    await using sandbox = await startSandbox()
    const { metrics, spans, stop } = collect()
    // The store is opened later, so the first calls wait for it, and go on in the same turn.
    const store = Layer.effect(
      TokenCache.TokenCache,
      Effect.andThen(
        Effect.promise(() => Promise.resolve()),
        TokenCache.makeMemory
      )
    )
    await using qq = createQQMini({ ...sandbox.options, store, telemetry: { api } })
    const visitors = ["a", "b", "c"]
    await Promise.all(
      visitors.map((name) =>
        api.trace.getTracer("app").startActiveSpan(name, async (span) => {
          await qq.security.msgSecCheck({ content: "x" })
          span.end()
        })
      )
    )
    await sandbox.fault({ kind: "code", code: -1, endpoint: "security.msgSecCheck", times: 9 })
    await qq.security.msgSecCheck({ content: "x" }).catch(() => {})
    const token = await qq.auth.getAccessToken()
    await stop()

    const byId = new Map(spans.map((span) => [span.spanContext().spanId, span]))
    const parentOf = (span: any) => byId.get(span.parentSpanContext?.spanId)
    const called = spans.filter(({ name }) => name === "QQMini.security.msgSecCheck")
    assert.deepStrictEqual(
      called.map((span) => parentOf(span)?.name),
      [...visitors, undefined]
    )
    const sent = spans.filter(({ name }) => name === "POST /api/json/security/MsgSecCheck")
    assert.isTrue(sent.every((span) => called.includes(parentOf(span))))
    assert.strictEqual(sent.length, visitors.length + 3)
    const last = sent.at(-1)
    assert.deepInclude(last.attributes, {
      "http.request.method": "POST",
      "http.request.resend_count": 2,
      "http.response.status_code": 200,
      "error.type": "SystemBusy",
      "qq.code": -1,
      "qq.attempt": 3
    })
    assert.strictEqual(last.status.code, api.SpanStatusCode.ERROR)
    assert.strictEqual(last.kind, api.SpanKind.CLIENT)

    const listed = new Map(Object.values(Telemetry.metrics).map(({ name, unit }) => [name as string, unit]))
    const names = metrics.map(({ descriptor }) => descriptor.name)
    assert.includeMembers(names, ["qq.calls", "qq.call.duration", "qq.token.fetches", "qq.token.age"])
    for (const { descriptor } of metrics) assert.strictEqual(descriptor.unit, listed.get(descriptor.name))
    const calls = metrics.find(({ descriptor }) => descriptor.name === "qq.calls").dataPoints
    assert.deepInclude(
      calls.map(({ attributes, value }: any) => [attributes["qq.endpoint"], attributes["qq.result"], value]),
      ["security.msgSecCheck", "ok", 3]
    )

    const seen = new Seen()
    for (const one of [...spans, ...metrics]) seen.add(one)
    assertNone(seen.text(), [token, sandbox.options.appsecret])
  })

  it("S1: hooks are called with each request, without a secret, and their errors break nothing", async () => {
    await using sandbox = await startSandbox()
    const events: Array<readonly [string, Partial<Event>]> = []
    const hook = (name: string) => (event: object) => {
      events.push([name, event])
      if (name === "onRequest") throw new Error("of the hook")
      return Promise.reject(new Error("of the hook, later"))
    }
    await using qq = createQQMini({
      ...sandbox.options,
      onRequest: hook("onRequest"),
      onResponse: hook("onResponse"),
      onRetry: hook("onRetry")
    })
    await sandbox.fault({ kind: "resetBefore", endpoint: "security.msgSecCheck" })
    assert.deepStrictEqual(await qq.security.msgSecCheck({ content: "x" }), { risky: false })
    const seen = new Seen()
    seen.add(events)
    assertNone(seen.text(), [await qq.auth.getAccessToken(), sandbox.options.appsecret])
    const check = "security.msgSecCheck"
    assert.deepStrictEqual(
      events.map(([name, { attempt, endpoint, error, status }]) => [name, endpoint, attempt, error ?? status]),
      [
        ["onRequest", "auth.getAccessToken", 1, undefined],
        ["onResponse", "auth.getAccessToken", 1, 200],
        ["onRequest", check, 1, undefined],
        ["onResponse", check, 1, "ConnectionFailed"],
        ["onRetry", check, 2, "ConnectionFailed"],
        ["onRequest", check, 2, undefined],
        ["onResponse", check, 2, 200]
      ]
    )
    const { appid } = sandbox.options
    const path = "/api/json/security/MsgSecCheck"
    const [, request] = events[2]!
    assert.deepStrictEqual(request, {
      endpoint: check,
      app: appid,
      attempt: 1,
      method: "POST",
      origin: sandbox.url,
      path
    })
  })

  it("a client of edge runtimes is observed by a layer", async () => {
    await using sandbox = await startSandbox()
    const paths: Array<string> = []
    const telemetry = PromiseTelemetry.layer({ onRequest: ({ path }) => void paths.push(path) })
    await using qq = Edge.createQQMini({ ...sandbox.options, telemetry })
    await qq.security.msgSecCheck({ content: "x" })
    assert.deepStrictEqual(paths, ["/api/getToken", "/api/json/security/MsgSecCheck"])
    assert.throws(() => Edge.createQQMini({ ...sandbox.options, telemetry: { api } as never }), /telemetry.*layer/)
  })

  it("says what is wrong with its options", () => {
    for (const [name, value] of Object.entries({ telemetry: api, onRequest: "log", onRetry: {} })) {
      try {
        createQQMini({ appid: "1", appsecret: "x", [name]: value } as Options)
        assert.fail(name)
      } catch (error) {
        assert.isTrue(isQQError(error), String(error))
        assert.match(String(error), new RegExp(`${name}.*\\n.*必须是`))
      }
    }
  })
})
