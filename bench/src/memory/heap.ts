/**
 * Heap of a plain app after collection: after 10,000 and after 1,000,000 calls that share one AbortSignal. QQ answers at
 * once, without a socket, so that only the client is measured. Runs with `--expose-gc`.
 */
import * as App from "@qq-mini/core/App"
import * as Promised from "@qq-mini/core/Promise"
import * as QQMini from "@qq-mini/core/QQMini"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Layer from "effect/Layer"

const [few, many, atOnce] = [10_000, 1_000_000, 500]

const http = Layer.succeed(
  HttpClient.HttpClient,
  HttpClient.make((request, url) => {
    const body = url.pathname === "/api/getToken" ? { access_token: "T".repeat(64), expires_in: 7200 } : { errcode: 0 }
    const headers = { "content-type": "application/json" }
    return Effect.sync(() => HttpClientResponse.fromWeb(request, new Response(JSON.stringify(body), { headers })))
  })
)

const turn = () => new Promise((resolve) => setImmediate(resolve))

/** Collects until what one collection let go of is collected, too. */
const heap = async (): Promise<number> => {
  for (let i = 0; i < 5; i++) {
    global.gc!()
    await turn()
  }
  return process.memoryUsage().heapUsed
}

await using qq = Promised.make(
  QQMini.layer.pipe(Layer.provide(App.layer({ appid: "1112345678", appsecret: "secret" })), Layer.provide(http))
)
const { signal } = new AbortController()
const message = { touser: "0".repeat(32), template_id: "template", data: { keyword1: { value: "x" } } }
let before = 0
for (let calls = 0; calls < many; calls += atOnce) {
  if (calls === few) before = await heap()
  await Promise.all(Array.from({ length: atOnce }, () => qq.subscribeMessage.send(message, { signal })))
  // a turn of the event loop, in which Node lets go of its own responses
  await turn()
}
console.log(JSON.stringify({ calls: many - few, before, after: await heap() }))
