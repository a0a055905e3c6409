/**
 * Memory of workerd while visitors send 450 KB each and leave in the middle of the check: 12 rounds of 60. What the last
 * four rounds have at least, less what the first four have at least, is what grew; the bodies between are 216 MB.
 */
import { readdir, readFile } from "node:fs/promises"
import { pause, until, visit, visitAndLeave } from "../../../test/src/edge/visitors.ts"
import { instrumented, startWorkers } from "../../../test/src/edge/workers.ts"

const [rounds, visitors, bytes] = [12, 60, 450_000]

const read = (pid: string, name: string) => readFile(`/proc/${pid}/${name}`, "utf8").catch(() => "")

/** Bytes of memory that the runtime under this process has. */
const memoryOfRuntime = async (): Promise<number> => {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name))
  const all = await Promise.all(pids.map(async (pid) => [pid, await read(pid, "stat")] as const))
  // its name in brackets, its state, and its parent
  const [pid] = all.find(
    ([, stat]) => stat.includes("(workerd)") && stat.split(") ")[1]?.split(" ")[1] === `${process.pid}`
  )!
  return Number(/VmRSS:\s+(\d+)/.exec(await read(pid, "status"))![1]) * 1_024
}

await using workers = await startWorkers(instrumented)
const { sandbox } = workers.harness
await visit(workers, "/forgotten")
const [endpoint, delay] = ["security.msgSecCheck", "1 minute"] as const
await sandbox.run((platform) => platform.fault({ kind: "slowBody", endpoint, delay, times: rounds * visitors }))
const body = "x".repeat(bytes)
const memory: Array<number> = []
for (let round = 1; round <= rounds; round++) {
  const leaving = await Promise.all(Array.from({ length: visitors }, () => visitAndLeave(workers, "/forgotten", body)))
  await until(async () => (await sandbox.run((platform) => platform.count(endpoint))) >= 1 + visitors * round)
  for (const leave of leaving) leave()
  await pause(300)
  memory.push(await memoryOfRuntime())
}
const least = (from: number) => Math.min(...memory.slice(from, from + 4))
const sent = visitors * bytes * (rounds - 4)
console.log(JSON.stringify({ sent, before: least(0), after: least(rounds - 4) }))
