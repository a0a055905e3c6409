/** The contract of a transport, on each of ours and on HTTP clients of others, against real servers. */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { assert, describe, it } from "@effect/vitest"
import * as Transport from "@qq-mini/core/Transport"
import * as FetchTransport from "@qq-mini/edge/FetchTransport"
import * as NodeTransport from "@qq-mini/node/NodeTransport"
import * as UniCloudTransport from "@qq-mini/unicloud/UniCloudTransport"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import { createServer, type IncomingMessage, type RequestListener, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import { Worker } from "node:worker_threads"
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from "node:zlib"
import { Agent, interceptors } from "undici"
import { nobodyThere } from "./support/nobodyThere.ts"
import { makeUniCloud } from "./unicloud/unicloud.ts"

const uniCloud = makeUniCloud()

/** What a client can't do otherwise. */
interface Ways {
  /** It reads answers to their end, and a request can't be dropped. */
  readonly cannotStop?: boolean
  /** It knows no Brotli, no `deflate` without zlib's header, and nothing that was coded twice. */
  readonly fewCodings?: boolean
}

const transports: ReadonlyArray<readonly [name: string, layer: Layer.Layer<Transport.Transport, unknown>, ways: Ways]> =
  [
    ["undici's dispatcher", NodeTransport.layer, {}],
    ["fetch", FetchTransport.layer(), {}],
    [
      "uniCloud.httpclient",
      UniCloudTransport.layerHttpclient(uniCloud.httpclient),
      { cannotStop: true, fewCodings: true }
    ],
    ["uniCloud.request", UniCloudTransport.layerRequest(uniCloud.request), { cannotStop: true }],
    [
      "an HttpClient on undici",
      Layer.provide(Transport.layerHttpClient, NodeHttpClient.layerUndici),
      { fewCodings: true }
    ],
    [
      "an HttpClient on node:http",
      Layer.provide(Transport.layerHttpClient, NodeHttpClient.layerNodeHttp),
      { fewCodings: true }
    ],
    ["an HttpClient on fetch", Layer.provide(Transport.layerHttpClient, FetchHttpClient.layer), {}]
  ]

const requestTo = (origin: string, more: Partial<Transport.Request> = {}): Transport.Request => ({
  method: "GET",
  origin,
  path: "/api/getToken",
  query: [],
  headers: {},
  body: undefined,
  timeout: 20_000,
  maxBytes: 1_000_000,
  atMostOnce: true,
  ...more
})

const send = (request: Transport.Request) => Effect.flatMap(Transport.Transport, (transport) => transport.send(request))

/** A server for as long as the scope, and its origin. */
const serving = (listener: RequestListener) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.callback<Server>((resume) => {
        const server = createServer(listener)
        server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
      }),
      (server) =>
        Effect.sync(() => {
          server.closeAllConnections()
          server.close()
        })
    ),
    (server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  )

const bodyOf = async (request: IncomingMessage): Promise<Buffer> => {
  const parts: Array<Buffer> = []
  for await (const part of request) parts.push(part as Buffer)
  return Buffer.concat(parts)
}

const odd = Uint8Array.from({ length: 256 }, (_, i) => i)

const parse = (bytes: Uint8Array): unknown => {
  try {
    return JSON.parse(Buffer.from(bytes).toString())
  } catch {
    return undefined
  }
}

const zip = gzipSync(`{"errCode":0,"errMsg":"${odd.join()}"}`)

describe.each(transports)("%s", (_, layer, { cannotStop = false, fewCodings = false }) => {
  it.live("sends a body in pieces as one, with its length", () =>
    Effect.gen(function* () {
      const seen: Array<unknown> = []
      const origin = yield* serving(async (request, response) => {
        const { "content-length": length, "transfer-encoding": encoding } = request.headers
        seen.push([length, encoding, (await bodyOf(request)).toString("latin1")])
        response.writeHead(200, { "retry-after": "7" }).end("{}")
      })
      const body = [odd, new Uint8Array(0), odd.subarray(3, 5), odd]
      const headers = { "content-type": "multipart/form-data; boundary=x" }
      const { retryAfter } = yield* send(requestTo(origin, { method: "POST", headers, body }))
      // A gateway's page may come with 200.
      assert.strictEqual(retryAfter, "7")
      const whole = Buffer.concat(body)
      assert.deepStrictEqual(seen, [[String(whole.length), undefined, whole.toString("latin1")]])
    }).pipe(Effect.scoped, Effect.provide(layer))
  )

  it.live("sends what it is given and no more, and gives the answer whatever its status", () =>
    Effect.gen(function* () {
      const seen: Array<unknown> = []
      const origin = yield* serving(async (request, response) => {
        const { authorization, "content-type": type } = request.headers
        const body = (await bodyOf(request)).toString("latin1")
        seen.push([request.method, request.url, type, body, ...(authorization === undefined ? [] : [authorization])])
        assert.notProperty(request.headers, "traceparent")
        response
          .writeHead(request.method === "GET" ? 503 : 302, { "retry-after": "7", location: "/elsewhere" })
          .end(odd)
      })
      const query = [
        ["access_token", Redacted.make("a+b/c&d")],
        ["文", "x"]
      ] as const
      const answer = yield* send(requestTo(origin, { query }))
      assert.deepInclude(answer, { status: 503, retryAfter: "7", bytes: odd })
      assert.isUndefined(answer.announced)
      const posted = requestTo(origin, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: '"文"'
      })
      assert.strictEqual((yield* send(posted)).status, 302)
      yield* send({
        ...posted,
        headers: { "content-type": "multipart/form-data; boundary=x", authorization: "A b" },
        body: odd
      })
      assert.deepStrictEqual(seen, [
        ["GET", "/api/getToken?access_token=a%2Bb%2Fc%26d&%E6%96%87=x", undefined, ""],
        ["POST", "/api/getToken", "application/json", Buffer.from('"文"').toString("latin1")],
        ["POST", "/api/getToken", "multipart/form-data; boundary=x", Buffer.from(odd).toString("latin1"), "A b"]
      ])
    }).pipe(Effect.scoped, Effect.provide(layer))
  )

  it.live(
    "D1: says that nothing was sent when nobody is there, and that it is not known when the connection breaks",
    () =>
      Effect.gen(function* () {
        const failure = (origin: string, more?: Partial<Transport.Request>) =>
          Effect.map(Effect.flip(send(requestTo(origin, more))), ({ phase, problem }) => ({ phase, problem }))
        assert.deepStrictEqual(yield* failure(nobodyThere), { phase: "unsent", problem: "ECONNREFUSED" })
        const unknown = yield* failure("http://no-such-host.invalid")
        assert.strictEqual(unknown.phase, "unsent")
        assert.match(unknown.problem, /ENOTFOUND|EAI_AGAIN/)

        let requests = 0
        const breaking = yield* serving(({ socket }) => {
          requests++
          socket.resetAndDestroy()
        })
        assert.strictEqual((yield* failure(breaking, { method: "POST", body: "{}" })).phase, "lost")
        assert.strictEqual(requests, 1)
        const half = yield* serving(({ socket }, response) => {
          response.writeHead(200, { "content-length": 100 })
          response.write("half", () => socket.resetAndDestroy())
        })
        assert.strictEqual((yield* failure(half)).phase, "lost")
        const silent = yield* serving(() => {})
        assert.deepStrictEqual(yield* failure(silent, { timeout: 300 }), { phase: "lost", problem: "ETIMEDOUT" })
        const slow = yield* serving((_, response) => {
          response.write("x")
        })
        assert.deepStrictEqual(yield* failure(slow, { timeout: 300 }), { phase: "lost", problem: "ETIMEDOUT" })
      }).pipe(Effect.scoped, Effect.provide(layer))
  )

  it.live("I2: decodes a body within its limit, and loses one that is broken", () =>
    Effect.gen(function* () {
      const json = Buffer.from('{"errCode":40001,"errMsg":"好"}')
      const bodies: Readonly<Record<string, readonly [coding: string, body: Uint8Array]>> = {
        "/gzip": ["gzip", gzipSync(json)],
        "/upper": ["GZIP", gzipSync(json)],
        "/deflate": ["deflate", deflateSync(json)],
        "/identity": ["identity", json],
        ...(fewCodings
          ? {}
          : {
              "/br": ["br", brotliCompressSync(json)],
              "/raw": ["deflate", deflateRawSync(json)],
              "/twice": ["deflate, gzip", gzipSync(deflateSync(json))]
            }),
        "/bomb": ["gzip", gzipSync(Buffer.alloc(20_000_000))],
        "/half": ["gzip", zip.subarray(0, zip.length / 2)],
        "/checksum": ["gzip", zip.map((byte, i) => (i === zip.length - 6 ? byte ^ 1 : byte))]
      }
      const origin = yield* serving((request, response) => {
        const [coding, body] = bodies[request.url!]!
        // QQ's errors may have any status
        response.writeHead(503, { "content-encoding": coding, "content-length": body.length }).end(body)
      })
      const answers = Object.keys(bodies).slice(0, -3)
      for (const path of answers) {
        const { bytes } = yield* send(requestTo(origin, { path }))
        assert.strictEqual(Buffer.from(bytes).toString(), json.toString(), path)
      }
      const bomb = yield* send(requestTo(origin, { path: "/bomb" }))
      assert.isAbove(bomb.announced ?? bomb.bytes.length, 1_000_000)
      if (!cannotStop) assert.isBelow(bomb.bytes.length, 2_000_000)
      for (const path of ["/half", "/checksum"]) {
        const end = yield* Effect.result(send(requestTo(origin, { path })))
        // `fetch` of Node gives what it has
        if (Result.isSuccess(end)) assert.isUndefined(parse(end.success.bytes), path)
        else assert.strictEqual(end.failure.phase, "lost")
      }
    }).pipe(Effect.scoped, Effect.provide(layer))
  )

  if (cannotStop) return

  it.live("I2: reads no more of an answer than it may, and ends its connection", () =>
    Effect.gen(function* () {
      const closed = [Promise.withResolvers<void>(), Promise.withResolvers<void>()] as const
      const origin = yield* serving(({ url }, response) => {
        const announces = url === "/announces"
        response.on("close", () => closed[announces ? 0 : 1].resolve())
        if (announces) response.setHeader("content-length", 2 ** 31)
        const flood = () => {
          while (!response.destroyed && response.write(Buffer.alloc(65_536)));
        }
        response.on("drain", flood)
        flood()
      })
      const announced = yield* send(requestTo(origin, { path: "/announces" }))
      assert.strictEqual(announced.announced, 2 ** 31)
      const flooded = yield* send(requestTo(origin, { path: "/floods" }))
      assert.isAbove(flooded.bytes.length, 1_000_000)
      assert.isBelow(flooded.bytes.length, 9_000_000)
      for (const { promise } of closed) yield* Effect.promise(() => promise)
    }).pipe(Effect.scoped, Effect.provide(layer))
  )

  it.live("drops a request when nobody waits for it any more", () =>
    Effect.gen(function* () {
      const came = Promise.withResolvers<void>()
      const closed = Promise.withResolvers<void>()
      const origin = yield* serving((_, response) => {
        response.on("close", closed.resolve)
        came.resolve()
      })
      const fiber = yield* Effect.forkChild(send(requestTo(origin)))
      yield* Effect.promise(() => came.promise)
      yield* Fiber.interrupt(fiber)
      yield* Effect.promise(() => closed.promise)
    }).pipe(Effect.scoped, Effect.provide(layer))
  )
})

describe("no redirect is followed", () => {
  it.live.each([
    [
      "undici's dispatcher with the redirect interceptor",
      Layer.effect(
        Transport.Transport,
        Effect.map(
          Effect.acquireRelease(
            Effect.sync(() => new Agent()),
            (agent) => Effect.promise(() => agent.destroy())
          ),
          (agent) => NodeTransport.make(agent.compose(interceptors.redirect({ maxRedirections: 5 })))
        )
      )
    ],
    [
      "an HttpClient on fetch with a RequestInit",
      Layer.provide(Transport.layerHttpClient, FetchHttpClient.layer).pipe(
        Layer.provideMerge(Layer.succeed(FetchHttpClient.RequestInit, { redirect: "follow" }))
      )
    ]
  ] as ReadonlyArray<readonly [string, Layer.Layer<Transport.Transport>]>)("on %s", ([, layer]) =>
    Effect.gen(function* () {
      const urls: Array<string> = []
      const origin = yield* serving(({ url }, response) => {
        urls.push(url!)
        response.writeHead(307, { location: "/elsewhere" }).end()
      })
      assert.strictEqual((yield* send(requestTo(origin, { method: "POST", body: "{}" }))).status, 307)
      assert.deepStrictEqual(urls, ["/api/getToken"])
    }).pipe(Effect.scoped, Effect.provide(layer))
  )
})

describe("undici's dispatcher, besides", () => {
  it.live("D1: a request whose time is over while it waits for a connection is certainly not sent", () =>
    Effect.gen(function* () {
      const urls: Array<string> = []
      const came = Promise.withResolvers<void>()
      let answer = () => {}
      const origin = yield* serving(({ url }, response) => {
        urls.push(url!)
        answer = () => response.end("{}")
        if (url === "/last") answer()
        came.resolve()
      })
      const agent = yield* Effect.acquireRelease(
        Effect.sync(() => new Agent({ connections: 1 })),
        (agent) => Effect.promise(() => agent.destroy())
      )
      const { send } = NodeTransport.make(agent)
      const first = yield* Effect.forkChild(send(requestTo(origin, { path: "/first" })))
      yield* Effect.promise(() => came.promise)
      const { phase, problem } = yield* Effect.flip(send(requestTo(origin, { path: "/second", timeout: 100 })))
      assert.deepStrictEqual({ phase, problem }, { phase: "unsent", problem: "ETIMEDOUT" })
      const third = yield* Effect.forkChild(send(requestTo(origin, { path: "/third" })), { startImmediately: true })
      yield* Fiber.interrupt(third)
      answer()
      assert.strictEqual((yield* Fiber.join(first)).status, 200)
      yield* send(requestTo(origin, { path: "/last" }))
      assert.deepStrictEqual(urls, ["/first", "/last"])
    }).pipe(Effect.scoped)
  )

  it.live("an answer that came while the process stood still is no timeout", () =>
    Effect.gen(function* () {
      // another thread answers, since this one stands still
      const cell = new Int32Array(new SharedArrayBuffer(4))
      const worker = yield* Effect.acquireRelease(
        Effect.sync(() => new Worker(answeringWorker, { eval: true, workerData: cell })),
        (worker) => Effect.promise(() => worker.terminate())
      )
      const port = yield* Effect.promise(() => new Promise((resolve) => worker.once("message", resolve)))
      const request = requestTo(`http://127.0.0.1:${String(port)}`, { timeout: 2_000 })
      const fiber = yield* Effect.forkChild(send(request), { startImmediately: true })
      yield* Effect.promise(() => new Promise((resolve) => worker.once("message", resolve)))
      const end = performance.now() + 2_500
      // the answer is written from here on
      Atomics.store(cell, 0, 1)
      Atomics.notify(cell, 0)
      while (performance.now() < end);
      assert.strictEqual((yield* Fiber.join(fiber)).status, 200)
    }).pipe(Effect.scoped, Effect.provide(NodeTransport.layer))
  )
})

const answeringWorker = `
const { createServer } = require("node:http")
const { parentPort, workerData: cell } = require("node:worker_threads")
const server = createServer((request, response) => {
  parentPort.postMessage("came")
  Atomics.wait(cell, 0, 0)
  response.end("{}")
}).listen(0, "127.0.0.1", () => parentPort.postMessage(server.address().port))
`
