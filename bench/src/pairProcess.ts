/** The client of a checkout without a socket, so that nothing but the client is measured: CPU time of as many calls as told. */
import { pathToFileURL } from "node:url"
import { content, promises } from "./subject.ts"

const [checkout] = process.argv.slice(2)
const load = (path: string): Promise<any> => import(pathToFileURL(`${checkout}/${path}`).href)

const { layerOver } = await load("bench/src/subjects/ours.ts")
const { instantHttp } = await load("bench/src/instantHttp.ts")
const qq = (await load("packages/core/src/Promise.ts")).make(layerOver("http://127.0.0.1", instantHttp))
const text = promises(() => qq.security.msgSecCheck({ content }))

process.on("message", async (calls: number) => {
  const before = process.cpuUsage()
  await text(calls, 64, () => {})
  const { system, user } = process.cpuUsage(before)
  process.send!((user + system) / calls)
})
process.on("disconnect", () => process.exit())
process.send!("ready")
