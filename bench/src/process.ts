/** The process of one subject: it makes calls as it is told, and tells what they cost. */
import { subjects } from "./subjects/index.ts"

/** What it is told. */
export interface Command {
  readonly load: "text" | "image" | "token" | "service"
  readonly count: number
  readonly atOnce: number
}

/** What they cost. CPU time is the whole process's, garbage collection included. */
export interface Cost {
  /** Microseconds a call. */
  readonly cpu: number
  /** Milliseconds. */
  readonly p50: number
  readonly p99: number
  /** Calls a second. */
  readonly rate: number
  /** Bytes: now, and the most there ever were. */
  readonly rss: number
  readonly maxRss: number
}

const [name, url] = process.argv.slice(2)
const subject = await (await subjects[name!]!.load())(url!)

process.on("message", async ({ atOnce, count, load }: Command) => {
  const times = new Float64Array(count)
  let done = 0
  const before = process.cpuUsage()
  const start = performance.now()
  await subject[load]!(count, atOnce, (millis) => (times[done++] = millis))
  const wall = performance.now() - start
  const { system, user } = process.cpuUsage(before)
  times.sort()
  const cost: Cost = {
    cpu: (user + system) / count,
    p50: times[Math.floor(count / 2)]!,
    p99: times[Math.floor(count * 0.99)]!,
    rate: (count / wall) * 1_000,
    rss: process.memoryUsage.rss(),
    maxRss: process.resourceUsage().maxRSS * 1_024
  }
  process.send!(cost)
})
process.on("disconnect", () => process.exit())
process.send!({ loads: Object.keys(subject) })
