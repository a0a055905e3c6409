/** A process that claims rows of a broadcast, as one of several: see `ledgerStores.test.ts`. It speaks as `holder.ts` does. */
import * as SendLedger from "@qq-mini/core/SendLedger"
import * as Effect from "effect/Effect"
import * as ManagedRuntime from "effect/ManagedRuntime"
import { createInterface } from "node:readline"
import { ledgerAt } from "./ledgers.ts"

/** What it is told. */
export interface Command {
  readonly do: "claim"
  readonly broadcast: string
  readonly claim: string
  readonly batches: ReadonlyArray<ReadonlyArray<string>>
}

const say = (line: unknown) => process.stdout.write(`${JSON.stringify(line)}\n`)
const runtime = ManagedRuntime.make(ledgerAt(process.argv[2]!))
await runtime.runPromise(Effect.void)

/** Claims and settles batch after batch. Returns whom it got. */
const obey = ({ batches, broadcast, claim }: Command) =>
  Effect.gen(function* () {
    const ledger = yield* SendLedger.SendLedger
    const got: Array<string> = []
    for (const recipients of batches) {
      const rows = recipients.map((recipient) => ({ recipient, message: `from ${claim}` }))
      const claimed = yield* ledger.claim(broadcast, { claim, ttl: 600_000, rows })
      const own = recipients.filter((_, i) => claimed[i]!.found === "claimed")
      got.push(...own)
      yield* ledger.settle(broadcast, { claim, rows: own.map((recipient) => ({ recipient, to: "sent" as const })) })
    }
    return got
  })

say({ ready: true })
for await (const line of createInterface({ input: process.stdin })) {
  const { id, ...command }: Command & { readonly id: number } = JSON.parse(line)
  void runtime.runPromise(obey(command)).then(
    (result) => say({ id, result }),
    (error) => say({ id, error: String(error) })
  )
}
await runtime.dispose()
