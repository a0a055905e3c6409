/**
 * Heap of a plain app after collection: after 10,000 and after 1,000,000 calls that share one AbortSignal. QQ answers at
 * once, without a socket, so that only the client is measured. Runs with `--expose-gc`.
 */
import * as App from "@qq-mini/core/App"
import * as Promised from "@qq-mini/core/Promise"
import * as QQMini from "@qq-mini/core/QQMini"
import * as Layer from "effect/Layer"
import { instantHttp } from "../instantHttp.ts"

const [few, many, atOnce] = [10_000, Number(process.argv[3] ?? 1_000_000), 500]

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
  QQMini.layer.pipe(Layer.provide(App.layer({ appid: "1112345678", appsecret: "secret" })), Layer.provide(instantHttp))
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
