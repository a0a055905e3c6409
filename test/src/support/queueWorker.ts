/** A process that works on a queue, for tests that kill it: see `startWorker` in `queueCases.ts`. It speaks as `holder.ts` does. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as PersistedQueue from "effect/persistence/PersistedQueue"
import * as Schema from "effect/Schema"
import { createInterface } from "node:readline"
import { storeAt } from "./queueStores.ts"

/** A command. */
export type Command =
  | { readonly do: "offer"; readonly values: ReadonlyArray<string> }
  /** Takes elements, all at once. The result is what was taken. */
  | { readonly do: "take"; readonly times: number }
  /** Takes one and never ends with it. The result comes once it is taken. */
  | { readonly do: "hold" }

/** What was taken. */
export interface Taken {
  readonly value: string
  readonly attempts: number
}

const [address, name, times] = process.argv.slice(2) as [string, string, string]
const say = (line: unknown) => process.stdout.write(`${JSON.stringify(line)}\n`)
const runtime = ManagedRuntime.make(Layer.provide(PersistedQueue.layer, storeAt(address, JSON.parse(times))))
const queue = await runtime.runPromise(PersistedQueue.make({ name, schema: Schema.String }))

const obey = (command: Command): Promise<unknown> => {
  switch (command.do) {
    case "offer":
      return runtime.runPromise(Effect.forEach(command.values, (value) => queue.offer(value, { id: value })))
    case "take": {
      const take = queue.take((value, { attempts }) => Effect.succeed({ value, attempts }))
      return runtime.runPromise(
        Effect.all(
          Array.from({ length: command.times }, () => take),
          { concurrency: "unbounded" }
        )
      )
    }
    case "hold":
      return new Promise((resolve) => {
        const held = (taken: Taken) =>
          Effect.andThen(
            Effect.sync(() => resolve([taken])),
            Effect.never
          )
        runtime.runFork(queue.take((value, { attempts }) => held({ value, attempts })))
      })
  }
}

say({ ready: true })
for await (const line of createInterface({ input: process.stdin })) {
  const { id, ...command }: Command & { readonly id: number } = JSON.parse(line)
  void obey(command).then(
    (result) => say({ id, result }),
    (error: unknown) => say({ id, error: String(error) })
  )
}
process.exit()
