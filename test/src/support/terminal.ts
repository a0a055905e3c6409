/** The command `qq-mini` in a terminal of its own. */
import { type ChildProcess, spawn } from "node:child_process"
import { command, environment } from "./cli.ts"

/** A command that runs in a terminal. */
export class Terminal {
  readonly #child: ChildProcess
  #output = ""
  #onOutput = () => {}
  /** All that was written, when the command has ended. */
  readonly ended: Promise<string>

  constructor(args: string, { cwd, env }: { readonly cwd: string; readonly env: Readonly<Record<string, string>> }) {
    // The shell lives on after Ctrl+C, and says how the command ended.
    const run = `trap : INT; stty cols 100; '${process.execPath}' '${command}' ${args}; echo "exit code $?"`
    this.#child = spawn("script", ["-qec", run, "/dev/null"], { env: environment({ ...env, TERM: "xterm" }), cwd })
    this.#child.stdout!.on("data", (bytes: Buffer) => {
      this.#output += bytes.toString()
      this.#onOutput()
    })
    this.ended = new Promise((resolve, reject) => {
      this.#child.on("error", reject)
      this.#child.on("close", () => resolve(this.#output))
    })
  }

  /** Types keys. */
  type(keys: string): void {
    this.#child.stdin!.write(keys)
  }

  /** Waits until it has written something like this since the last time. Gives what was written. */
  async until(pattern: RegExp): Promise<string> {
    for (;;) {
      const found = pattern.exec(this.#output)
      if (found !== null) {
        const seen = this.#output
        this.#output = seen.slice(found.index + found[0].length)
        return seen
      }
      const isOver = await Promise.race([
        this.ended.then(() => true),
        new Promise<false>((resolve) => (this.#onOutput = () => resolve(false)))
      ])
      if (isOver && !pattern.test(this.#output)) throw new Error(`${pattern} was not written: ${this.#output}`)
    }
  }
}
