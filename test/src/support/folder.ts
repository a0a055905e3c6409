/** The folder of a run of tests: whatever is written to it or started from it ends with the run. */
import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs"
import { setTimeout } from "node:timers/promises"

interface Left {
  readonly pid: number
  readonly command: string
}

// Processes inherit the folder's name in their environment, wherever their parents went. Redis overwrites its environment,
// and runs in the folder; others are started with it on their command line. Linux alone tells of these.
const processesOf = (folder: string): ReadonlyArray<Left> => {
  if (!existsSync("/proc/self/environ")) return []
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((pid) => {
      try {
        const command = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim()
        const environment = readFileSync(`/proc/${pid}/environ`, "utf8")
        const mine = [environment, command, readlinkSync(`/proc/${pid}/cwd`)].some((text) => text.includes(folder))
        // vitest ends its own workers
        return mine && command !== "" && !command.includes("vitest") ? [{ pid: Number(pid), command }] : []
      } catch {
        // it ended meanwhile
        return []
      }
    })
}

// What its parent has just left is given time to notice.
const graceMillis = 5_000

/** Makes the folder. Returns what removes it after the tests, and fails if they left a process running. */
export const makeFolder = (folder: string): (() => Promise<void>) => {
  mkdirSync(folder, { mode: 0o700 })
  /** Ends what still runs, and removes what was written; gives what it ended. */
  const clean = (): ReadonlyArray<Left> => {
    const left = processesOf(folder)
    for (const { pid } of left) process.kill(pid, "SIGKILL")
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
    return left
  }
  // a run that is ended from outside comes to no teardown
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.once(signal, () => {
      clean()
      process.exit(1)
    })
  }
  return async () => {
    const end = performance.now() + graceMillis
    while (processesOf(folder).length > 0 && performance.now() < end) await setTimeout(50)
    const left = clean()
    if (left.length > 0) {
      throw new Error(`the tests left running:\n${left.map(({ pid, command }) => `  ${pid} ${command}`).join("\n")}`)
    }
  }
}
