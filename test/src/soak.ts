/**
 * A million calls of one plain app that share one AbortSignal; run with `--expose-gc`. Prints the listeners on the signal
 * while calls are under way and after them, and the heap after collection at each tenth.
 */
import * as App from "@qq-mini/core/App"
import * as Promised from "@qq-mini/core/Promise"
import * as QQMini from "@qq-mini/core/QQMini"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Layer from "effect/Layer"
import { getEventListeners } from "node:events"

const calls = 1_000_000
const atOnce = 500

// QQ answers at once, so that the client is all there is to see
const http = Layer.succeed(
  HttpClient.HttpClient,
  HttpClient.make((request, url) => {
    const body = url.pathname === "/api/getToken" ? { access_token: "T".repeat(64), expires_in: 7200 } : { errcode: 0 }
    const headers = { "content-type": "application/json" }
    return Effect.sync(() => HttpClientResponse.fromWeb(request, new Response(JSON.stringify(body), { headers })))
  })
)

await using qq = Promised.make(
  QQMini.layer.pipe(Layer.provide(App.layer({ appid: "1112345678", appsecret: "secret" })), Layer.provide(http))
)
const { signal } = new AbortController()
const message = { touser: "0".repeat(32), template_id: "template", data: { keyword1: { value: "x" } } }
const listeners = () => getEventListeners(signal, "abort").length
const heaps: Array<number> = []
let most = 0
for (let done = 0; done < calls; done += atOnce) {
  const wave = Promise.all(Array.from({ length: atOnce }, () => qq.subscribeMessage.send(message, { signal })))
  most = Math.max(most, listeners())
  await wave
  // a turn of the loop, in which Node lets go of its own responses
  await new Promise((resolve) => setImmediate(resolve))
  if ((done + atOnce) % (calls / 10) === 0) {
    // what one collection finds dead lets go of more in the turns after it
    for (let i = 0; i < 5; i++) {
      global.gc!()
      await new Promise((resolve) => setImmediate(resolve))
    }
    heaps.push(process.memoryUsage().heapUsed)
  }
}
console.log(JSON.stringify({ calls, most, after: listeners(), heaps }))
