/** Processes of the operating system that share a token: see `holder.ts` for what each does. */
import { spawn, type ChildProcess } from "node:child_process"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { template_id } from "./calls.ts"
import type { Command, Config, Step, Tally } from "./holder.ts"

/** Where the set-up of the tests puts the bundle of `holder.ts`. */
export const holderIn = (folder: string): string => join(folder, "holder.mjs")

type Line =
  | { readonly ready: true }
  | { readonly event: string }
  | { readonly stopped: Step | number }
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly error: string }

/** One process. */
export class Holder implements AsyncDisposable {
  readonly events: Array<string> = []
  /** Resolves when it stopped at the step it was told. */
  readonly stopped: Promise<Step | number>
  readonly #child: ChildProcess
  readonly #answers = new Map<number, (line: Line) => void>()
  #last = 0

  private constructor(child: ChildProcess, onReady: () => void) {
    this.#child = child
    let onStopped: (step: Step | number) => void
    this.stopped = new Promise((resolve) => (onStopped = resolve))
    createInterface({ input: child.stdout! }).on("line", (text) => {
      // logs go there, too
      if (!text.startsWith("{")) return
      const line: Line = JSON.parse(text)
      if ("ready" in line) onReady()
      if ("event" in line) this.events.push(line.event)
      if ("stopped" in line) onStopped(line.stopped)
      if ("id" in line) this.#answers.get(line.id)?.(line)
    })
  }

  static start(config: Config): Promise<Holder> {
    const node = [process.execPath, holderIn(tmpdir()), JSON.stringify(config)]
    // what a shell limits, it limits for the program it becomes
    const shell = ["/bin/sh", "-c", `ulimit -f ${config.fileBlocks} && exec "$0" "$@"`]
    return Holder.spawn(config.fileBlocks === undefined ? node : [...shell, ...node])
  }

  /** Any program that speaks as `holder.ts` does. */
  static spawn([command, ...args]: ReadonlyArray<string>): Promise<Holder> {
    const child = spawn(command!, args, { stdio: ["pipe", "pipe", "inherit"] })
    return new Promise((resolve, reject) => {
      const holder = new Holder(child, () => resolve(holder))
      child.once("exit", (code) => reject(new Error(`the process ended with ${code}`)))
    })
  }

  /** Tells it to do something, in its own words. */
  ask(command: object): Promise<any> {
    const id = ++this.#last
    return new Promise((resolve, reject) => {
      this.#answers.set(id, (line) => {
        this.#answers.delete(id)
        return "error" in line ? reject(new Error(line.error)) : resolve((line as { result: unknown }).result)
      })
      this.#child.stdin!.write(`${JSON.stringify({ id, ...command })}\n`)
    })
  }

  send(touser: string, times: number): Promise<Tally> {
    return this.ask({ do: "send", touser, times, template_id } satisfies Command)
  }

  check(options: Omit<Command & { do: "check" }, "do">): Promise<Tally> {
    return this.ask({ do: "check", ...options } satisfies Command)
  }

  token(): Promise<string> {
    return this.ask({ do: "token" } satisfies Command)
  }

  freeze(): void {
    this.#child.kill("SIGSTOP")
  }

  thaw(): void {
    this.#child.kill("SIGCONT")
  }

  /** `kill -9`. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const exit = new Promise((resolve) => this.#child.once("exit", resolve))
    this.#child.kill("SIGKILL")
    await exit
  }
}

/** All tallies together. */
export const sum = (tallies: ReadonlyArray<Tally>): Tally => {
  const all: Record<string, number> = {}
  for (const tally of tallies) {
    for (const [outcome, count] of Object.entries(tally)) all[outcome] = (all[outcome] ?? 0) + count
  }
  return all
}
