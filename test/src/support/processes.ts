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

/** Processes that have no client at the moment. They end with this one, which holds their standard input. */
const idle = new Map<string, Array<Holder>>()

/** One process. */
export class Holder implements AsyncDisposable {
  readonly events: Array<string> = []
  /** Resolves when it stopped at the step it was told. */
  readonly stopped: Promise<Step | number>
  readonly #child: ChildProcess
  readonly #answers = new Map<number, (line: Line) => void>()
  #last = 0
  /** Where it goes when its test is done. */
  #idle: Array<Holder> | undefined

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

  /** A process of `holder.ts`; `fileBlocks` of 512 bytes is all it can write. */
  static start(config: Config, fileBlocks?: number): Promise<Holder> {
    const node = [process.execPath, holderIn(tmpdir())]
    // what a shell limits, it limits for the program it becomes
    const shell = ["/bin/sh", "-c", `ulimit -f ${fileBlocks} && exec "$0" "$@"`]
    const stops = config.stopAt !== undefined || config.stallAfterLease !== undefined
    return fileBlocks === undefined
      ? Holder.begin(node, config, !stops)
      : Holder.begin([...shell, ...node], config, false)
  }

  /** A process with a client: one that another test has left, or a new one. */
  static async begin(command: ReadonlyArray<string>, config: object, reusable: boolean): Promise<Holder> {
    const key = command.join(" ")
    const others = idle.get(key) ?? []
    idle.set(key, others)
    const holder = others.pop() ?? (await Holder.spawn(command))
    holder.events.length = 0
    holder.#idle = reusable ? others : undefined
    try {
      await holder.ask({ do: "begin", config })
    } catch (error) {
      await holder.kill()
      throw error
    }
    return holder
  }

  /** Any program that speaks as `holder.ts` does. */
  static spawn([command, ...args]: ReadonlyArray<string>): Promise<Holder> {
    const child = spawn(command!, args, { stdio: ["pipe", "pipe", "inherit"] })
    return new Promise((resolve, reject) => {
      const holder = new Holder(child, () => resolve(holder))
      child.once("exit", (code) => {
        const error = `the process ended with ${code}`
        reject(new Error(error))
        for (const [id, answer] of holder.#answers) answer({ id, error })
      })
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
    this.#idle = undefined
    this.#child.kill("SIGSTOP")
  }

  thaw(): void {
    this.#child.kill("SIGCONT")
  }

  get #ended(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null
  }

  /** `kill -9`. */
  async kill(): Promise<void> {
    if (this.#ended) return
    const exit = new Promise((resolve) => this.#child.once("exit", resolve))
    this.#child.kill("SIGKILL")
    await exit
  }

  /** Leaves it to the next test, if its client did all it was told; or ends it. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#ended || this.#idle === undefined || this.#answers.size > 0) return this.kill()
    await this.ask({ do: "end" })
    this.#idle.push(this)
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
