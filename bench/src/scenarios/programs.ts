/**
 * What the number of programs costs: heap a program once each has made a call, and CPU time of a further call. QQ answers
 * at once, without a socket, so that only the client is measured. Runs with `--expose-gc`.
 */
import * as App from "@qq-mini/core/App"
import * as QQMini from "@qq-mini/core/QQMini"
import * as Security from "@qq-mini/core/Security"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import { instantHttp } from "../instantHttp.ts"
import { appsecret, content } from "../subject.ts"

const programs = Number(process.argv[3])
const calls = 20_000
const apps = Array.from({ length: programs }, (_, i) => ({ appid: String(1_100_000_000 + i), appsecret }))

global.gc!()
const before = process.memoryUsage().heapUsed
const runtime = ManagedRuntime.make(
  QQMini.layer.pipe(Layer.provide(App.layerMany({ apps })), Layer.provide(instantHttp))
)
const checkFor = (i: number) => App.use(Security.msgSecCheck({ content }), apps[i % programs]!.appid)
const checks = (count: number) =>
  runtime.runPromise(
    Effect.forEach(
      Array.from({ length: count }, (_, i) => i),
      checkFor,
      { concurrency: 64, discard: true }
    )
  )
await checks(Math.max(programs, 1_000))
global.gc!()
const heap = (process.memoryUsage().heapUsed - before) / programs
// one program alone may make 4,000 calls a minute
const measured = Math.min(calls, programs * 2_000)
const start = process.cpuUsage()
await checks(measured)
const { system, user } = process.cpuUsage(start)
console.log(JSON.stringify({ programs, heap, cpu: (user + system) / measured }))
await runtime.dispose()
