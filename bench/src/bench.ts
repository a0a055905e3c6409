/** Runs each measurement in a process of its own, prints a table, and writes `results.json`. */
import { spawnSync } from "node:child_process"
import { writeFileSync } from "node:fs"
import { fileURLToPath } from "node:url"

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url))

const measure = (name: string): any => {
  process.stderr.write(`${name} ...`)
  const { error, status, stdout } = spawnSync(process.execPath, ["--expose-gc", path(`${name}.ts`)], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"]
  })
  if (error !== undefined || status !== 0) throw new Error(`${name} ended with ${error?.message ?? status}`)
  process.stderr.write(" done\n")
  return JSON.parse(stdout.trim().split("\n").at(-1)!)
}

const mb = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`

const heap = measure("memory/heap")
const worker = measure("memory/worker")
writeFileSync(path("../results.json"), `${JSON.stringify({ heap, worker }, undefined, 2)}\n`)

console.log(`
| measured | before | after | grown |
|---|---|---|---|
| heap of a plain app, ${heap.calls.toLocaleString("en")} calls that share an AbortSignal | ${mb(heap.before)} | ${mb(heap.after)} | ${((heap.after - heap.before) / heap.calls).toFixed(2)} bytes a call |
| memory of workerd, ${mb(worker.sent)} sent by visitors who leave | ${mb(worker.before)} | ${mb(worker.after)} | ${((worker.after - worker.before) / worker.sent).toFixed(2)} bytes a byte sent |
`)
