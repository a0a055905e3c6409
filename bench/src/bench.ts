/**
 * Measures qq-mini beside what people would use instead: prints tables and writes `results.json`. Each subject is a process
 * of its own, all are asked in turn, round after round, and a ratio is to the floor of its group in the same run.
 */
import { type ChildProcess, fork, spawnSync } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"
import type { Command, Cost } from "./process.ts"
import { subjects } from "./subjects/index.ts"

const { quick = false, recipients = quick ? "10000" : "100000" } = parseArgs({
  options: { quick: { type: "boolean" }, recipients: { type: "string" } }
}).values
const path = (name: string) => fileURLToPath(new URL(name, import.meta.url))
const progress = (text: string) => process.stderr.write(`${text}\n`)

const message = (child: ChildProcess): Promise<any> =>
  new Promise((resolve, reject) => {
    const failed = (code: number | null) =>
      reject(new Error(`${child.spawnargs.slice(1).join(" ")} ended with ${code}`))
    child.once("exit", failed)
    child.once("message", (told) => {
      child.off("exit", failed)
      resolve(told)
    })
  })

// Whatever the processes write; removed in the end.
const folder = mkdtempSync(join(tmpdir(), "qq-mini-bench-"))
process.env["TMPDIR"] = folder
process.on("exit", () => rmSync(folder, { recursive: true, force: true }))

const server = fork(path("server.ts"))
const url: string = await message(server)

/** A subject that runs, and the kinds of load it has. */
interface Running {
  readonly name: string
  readonly floor: string
  readonly loads: ReadonlyArray<string>
  readonly ask: (command: Command) => Promise<Cost>
  readonly end: () => void
}

const start = async (name: string): Promise<Running> => {
  const child = fork(path("process.ts"), [name, url])
  const { loads } = await message(child)
  return {
    name,
    floor: subjects[name]!.floor,
    loads,
    ask: (command) => {
      child.send(command)
      return message(child)
    },
    end: () => child.disconnect()
  }
}

const median = (values: ReadonlyArray<number>) => values.toSorted((a, b) => a - b)[values.length >> 1]!

interface Row {
  readonly name: string
  readonly floor: string
  /** Microseconds of CPU a call: the least and the median of the rounds. */
  readonly cpu: number
  readonly cpuMedian: number
  /** Milliseconds, the medians. */
  readonly p50: number
  readonly p99: number
  readonly rate: number
  readonly rss: number
}

/** Every subject in turn, so many rounds; the first warms up and does not count. */
const inTurn = async (running: ReadonlyArray<Running>, command: Command, rounds: number): Promise<Array<Row>> => {
  const costs = new Map<Running, Array<Cost>>()
  const able = running.filter(({ loads }) => loads.includes(command.load))
  for (let round = 0; round <= rounds; round++) {
    for (const one of able) {
      const cost = await one.ask(command)
      if (round > 0) costs.set(one, [...(costs.get(one) ?? []), cost])
    }
  }
  return able.map((one) => {
    const all = costs.get(one)!
    const of = (field: keyof Cost) => all.map((cost) => cost[field])
    return {
      name: one.name,
      floor: one.floor,
      cpu: Math.min(...of("cpu")),
      cpuMedian: median(of("cpu")),
      p50: median(of("p50")),
      p99: median(of("p99")),
      rate: Math.max(...of("rate")),
      rss: all.at(-1)!.rss
    }
  })
}

/** One scenario with a process of its own, which prints its result as JSON. */
const measure = (name: string, ...args: ReadonlyArray<string>): any => {
  progress(`${name} ${args.join(" ")}`)
  const { error, status, stdout } = spawnSync(
    process.execPath,
    ["--expose-gc", path(`scenarios/${name}.ts`), url, ...args],
    { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] }
  )
  if (error !== undefined || status !== 0) throw new Error(`${name} ended with ${error?.message ?? status}`)
  return JSON.parse(stdout.trim().split("\n").at(-1)!)
}

const rounds = quick ? 2 : 4
const running: Array<Running> = []
for (const name of Object.keys(subjects)) running.push(await start(name))
progress("text checks, 64 in flight")
const text64 = await inTurn(running, { load: "text", count: quick ? 1_000 : 3_200, atOnce: 64 }, rounds)
progress("text checks, 1 in flight")
const text1 = await inTurn(running, { load: "text", count: quick ? 200 : 1_000, atOnce: 1 }, rounds)
progress("token reads")
const tokens = await inTurn(running, { load: "token", count: quick ? 2_000 : 20_000, atOnce: 1 }, rounds)
const services = await inTurn(running, { load: "service", count: quick ? 100_000 : 1_000_000, atOnce: 1 }, rounds)
for (const one of running) one.end()

progress("images")
const images: Array<{ readonly name: string; readonly cpu: number; readonly above: number }> = []
for (const name of Object.keys(subjects)) {
  const one = await start(name)
  if (one.loads.includes("image")) {
    const warm = await one.ask({ load: "text", count: 1_000, atOnce: 1 })
    const { cpu, maxRss } = await one.ask({ load: "image", count: 50, atOnce: 1 })
    images.push({ name, cpu, above: maxRss - warm.maxRss })
  }
  one.end()
}

const cold = measure("cold")
const programs = (quick ? [1, 1_000] : [1, 1_000, 100_000]).map((count) => measure("programs", `${count}`))
const limiter = measure("limiter")
const coldStarts = measure("coldStart")
const installs = measure("install", ...(quick ? ["3"] : []))
const heap = measure("heap", ...(quick ? ["100000"] : []))
const worker = measure("workerMemory")
const photos = ["sharp alone", "prepare", "prepare, progressive"].map((subject) =>
  measure("photo", subject, ...(quick ? ["5"] : []))
)
const broadcasts = ["sqlite", "redis"].map((store) => measure("broadcast", store, recipients))
server.disconnect()

writeFileSync(
  path("../results.json"),
  `${JSON.stringify({ node: process.version, text64, text1, tokens, services, images, cold, programs, limiter, coldStarts, installs, heap, worker, photos, broadcasts }, undefined, 2)}\n`
)

const table = (head: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<unknown>>) =>
  console.log([head, head.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n"), "\n")
const mb = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`
const fixed = (value: number, digits = 0) => value.toFixed(digits)

for (const [title, rows] of [
  ["a text check, 64 in flight", text64],
  ["a text check, 1 in flight", text1]
] as const) {
  const cpuOf = (name: string) => rows.find((row) => row.name === name)!
  table(
    [title, "CPU µs, least", "median", "to its floor", "p50 ms", "p99 ms", "RSS", "to its floor"],
    rows.map(({ cpu, cpuMedian, floor, name, p50, p99, rss }) => [
      name,
      fixed(cpu),
      fixed(cpuMedian),
      `${fixed(cpu / cpuOf(floor).cpu, 2)} × ${floor}`,
      fixed(p50, 2),
      fixed(p99, 2),
      mb(rss),
      fixed(rss / cpuOf(floor).rss, 2)
    ])
  )
}
table(
  ["reads of a warm token", "a second", "CPU µs"],
  [
    ...tokens.map((row) => ({ ...row, name: `auth.getAccessToken, ${row.name}` })),
    ...services.map((row) => ({ ...row, name: `AccessToken.get, ${row.name}` }))
  ].map(({ cpu, name, rate }) => [name, Math.round(rate).toLocaleString("en"), fixed(cpu, 2)])
)
table(
  ["an image of 1 MB", "CPU µs", "peak above the warm process"],
  images.map(({ above, cpu, name }) => [name, fixed(cpu), mb(above)])
)
table(
  ["a photo of 12 megapixels", "size", "CPU ms", "wall ms", "peak above the warm process", "longest pause ms"],
  photos.map(({ above, cpu, name, pause, size, wall }) => [
    name,
    mb(size),
    fixed(cpu),
    fixed(wall),
    mb(above),
    fixed(pause)
  ])
)
table(
  ["cold callers at once", "CPU µs a caller", "getToken calls", "peak RSS"],
  [[cold.callers.toLocaleString("en"), fixed(cold.cpu), cold.tokens, mb(cold.maxRss)]]
)
table(
  ["programs", "CPU µs a call", "heap a program"],
  programs.map(({ cpu, heap, programs }: any) => [programs.toLocaleString("en"), fixed(cpu), `${fixed(heap)} bytes`])
)
table(
  ["the limiter", "CPU µs a place"],
  [
    ["in memory", fixed(limiter.memory, 1)],
    ["over Redis", fixed(limiter.redis, 1)]
  ]
)
table(
  ["cold start", "loaded: CPU ms", "wall ms", "answered: CPU ms", "wall ms"],
  [
    ...coldStarts.processes.map(({ answered, loaded, name }: any) => [
      name,
      fixed(loaded.cpu),
      fixed(loaded.wall),
      fixed(answered.cpu),
      fixed(answered.wall)
    ]),
    ...coldStarts.commands.map(({ cpu, name }: any) => [name, fixed(cpu), "", "", ""]),
    ["a Worker in workerd, from its first request on", "", "", "", fixed(coldStarts.worker.wall)]
  ]
)
const toFirst = (of: (one: any) => number) => (one: any) => `${fixed(of(one) / of(installs[0]), 2)} ×`
table(
  [
    `installed and loaded on Node 22, to ${installs[0].name}`,
    "packages",
    "size",
    "",
    "CPU ms of require",
    "",
    "of import",
    ""
  ],
  installs.map((one: any) => [
    one.name,
    one.packages,
    mb(one.bytes),
    toFirst(({ bytes }) => bytes)(one),
    `${fixed(one.require.least)}, median ${fixed(one.require.median)}`,
    toFirst((one) => one.require.least)(one),
    `${fixed(one.import.least)}, median ${fixed(one.import.median)}`,
    toFirst((one) => one.import.least)(one)
  ])
)
table(
  ["memory", "before", "after", "grown"],
  [
    [
      `heap, ${heap.calls.toLocaleString("en")} calls that share an AbortSignal`,
      mb(heap.before),
      mb(heap.after),
      `${fixed((heap.after - heap.before) / heap.calls, 2)} bytes a call`
    ],
    [
      `workerd, ${mb(worker.sent)} sent by visitors who leave`,
      mb(worker.before),
      mb(worker.after),
      `${fixed((worker.after - worker.before) / worker.sent, 2)} bytes a byte sent`
    ]
  ]
)

const aSecond = ({ rate }: any) => `${Math.round(rate).toLocaleString("en")} a second`
const ofCpu = ({ cpu }: any) => `${fixed(cpu)} µs of CPU each`
const resumed = ({ message, modules, row }: any) => `${fixed(message - modules)}, ${fixed(row - modules)} ms`
const ofBroadcast: Readonly<Record<string, (one: any) => string>> = {
  "loading from a generator": ({ load }) => `${aSecond(load)}, ${ofCpu(load)}`,
  "loading from a CSV file": ({ csv }) => `${aSecond(csv)}, ${ofCpu(csv)}`,
  "heap, RSS when 10 % are loaded": ({ load }) => `${mb(load.memory[0].heap)}, ${mb(load.memory[0].rss)}`,
  "when all are loaded, to when 10 % are": ({ load: { memory } }) =>
    `${fixed(memory[2].heap / memory[0].heap, 2)}, ${fixed(memory[2].rss / memory[0].rss, 2)}`,
  "bytes of a recipient in the ledger, in the queue": ({ bytes: { loaded } }) =>
    `${fixed(loaded.ledger)}, ${fixed(loaded.queue)}`,
  "the same after sending 100,000 messages": ({ bytes: { done } }) => `${fixed(done.ledger)}, ${fixed(done.queue)}`,
  "calls without a broadcast": ({ send }) => `${aSecond(send.bare)}, ${ofCpu(send.bare)}`,
  "messages by one process": ({ send }) => `${aSecond(send.one)}, ${ofCpu(send.one)}`,
  "CPU of a message, to a call": ({ send }) => fixed(send.ratio, 2),
  "messages by four processes": ({ send }) => `${aSecond(send.four)}, ${ofCpu(send.four)}`,
  "CPU of the store's own process": ({ send }) => `${fixed(send.storeCpu)} µs a message`,
  "resumed half loaded, all read again: first message, first new row": ({ resume }) => resumed(resume.again),
  "the same with a function that skips": ({ resume }) => resumed(resume.skipping),
  "a read of the progress": ({ progress }) => `${fixed(progress, 2)} ms`
}
table(
  [`a broadcast to ${Number(recipients).toLocaleString("en")}`, ...broadcasts.map(({ store }) => store)],
  Object.entries(ofBroadcast).map(([name, of]) => [name, ...broadcasts.map(of)])
)
