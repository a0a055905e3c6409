/** One process of a broadcast that is killed, frozen and started again: see `chaos.ts`. */
import { createBroadcast } from "@qq-mini/node/NodeBroadcast"
import { createQQMini } from "@qq-mini/node"
import { first, template_id } from "../support/calls.ts"

/** What the process is told, as JSON in its argument. */
export interface Task {
  readonly id: string
  readonly baseUrl: string
  /** The stores of tokens and of work in bulk. */
  readonly store: string
  readonly openids: string
  readonly chunkSize: number
  readonly concurrency: number
  readonly deadline: number
  readonly lockExpiration: number
  readonly rate: { readonly max: number; readonly window: number } | undefined
}

const { baseUrl, openids, store, ...options } = JSON.parse(process.argv[2]!) as Task
const { readFileSync } = await import("node:fs")
const qq = createQQMini({ ...first, baseUrl, store })
const recipients = readFileSync(openids, "utf8")
  .split("\n")
  .map((openid) => ({ openid, keyword1: "hello" }))
const broadcast = createBroadcast(qq, { ...options, store, template_id, recipients, page: "pages/index/index" })
const stop = new AbortController()
process.once("SIGTERM", () => stop.abort(new Error("SIGTERM")))
try {
  const result = await broadcast.run({ signal: stop.signal })
  process.stdout.write(`${JSON.stringify(result)}\n`)
} catch (error) {
  if (!stop.signal.aborted) throw error
}
await broadcast.close()
await qq.close()
