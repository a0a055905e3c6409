/** 10,000 callers at once on a cold client: what one of them costs, and how many getToken calls they cost together. */
import * as Promised from "@qq-mini/core/Promise"
import { content } from "../subject.ts"
import { layer } from "../subjects/ours.ts"

const [url] = process.argv.slice(2)
const callers = 10_000
const tokens = async () => Number(await (await fetch(`${url}/tokens`)).text())

const before = await tokens()
await using qq = Promised.make(await layer(url!, "node"))
const start = process.cpuUsage()
await Promise.all(
  Array.from({ length: callers }, () => qq.security.msgSecCheck({ content }, { deadline: "5 minutes" }))
)
const { system, user } = process.cpuUsage(start)
const maxRss = process.resourceUsage().maxRSS * 1_024
console.log(JSON.stringify({ callers, tokens: (await tokens()) - before, cpu: (user + system) / callers, maxRss }))
