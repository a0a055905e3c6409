/** Each breaks one law of broadcasts in one place of the source: `node test/src/simulation/killMutants.ts --only B`. */
import type { Mutant } from "../../simulation/mutants.ts"

export const mutants: ReadonlyArray<Mutant> = [
  {
    name: "a message is sent although its row is another's",
    law: "B1",
    file: "broadcast/sender.ts",
    search: 'if (claimed.found === "busy") return',
    replace: 'if (claimed.found === "nothing") return'
  },
  {
    name: "a message is sent although its row has a result",
    law: "B1",
    file: "broadcast/sender.ts",
    search: 'if (claimed.found === "done") return yield* new Unsent({ tried: "settled" })',
    replace: ""
  },
  {
    name: "all tries of a message have one claim",
    law: "B1",
    file: "broadcast/sender.ts",
    search: "const claim = newClaim()",
    replace: "const claim = ((letters as any).claim ??= newClaim())"
  },
  {
    name: "a message that got lost counts as unsent",
    law: "B1",
    file: "broadcast/sender.ts",
    search: 'return Effect.andThen(settle("unknown"), Effect.fail(new Lost()))',
    replace: "return unsent({ at: 0 })"
  },
  {
    name: "a message is sent however long its claim took",
    law: "B1",
    file: "broadcast/sender.ts",
    search: "- began > deadline",
    replace: "- began > Infinity"
  },
  {
    name: "all processes have the same claims",
    law: "B1",
    file: "broadcast/work.ts",
    search: "(yield* Random.nextIntBetween(0, 2 ** 48)).toString(36)",
    replace: '"process"'
  },
  {
    name: "a row whose claim is over is new",
    law: "B1",
    file: "ledger/memory.ts",
    search: 'move(rows, row, "unknown")',
    replace: 'move(rows, row, "new")'
  },
  {
    name: "a row is claimed while another claim is running",
    law: "B1",
    file: "ledger/memory.ts",
    search:
      'if (row.state === "sending") return { found: "busy", wait: row.until - now }\n  if (row.state !== "new" &&',
    replace: 'if (row.state !== "new" && row.state !== "sending" &&'
  },
  {
    name: "a result does not look at the claim",
    law: "B1",
    file: "ledger/memory.ts",
    search: "row.claim !== claim || ",
    replace: ""
  },
  {
    name: "an unknown row becomes new",
    law: "B1",
    file: "ledger/memory.ts",
    search: ' || (row.state === "unknown" && to === "new")',
    replace: ""
  },
  {
    name: "an unknown row is claimed whatever its claim was",
    law: "B1",
    file: "ledger/memory.ts",
    search: 'row.state === "unknown" && row.claim === instead',
    replace: 'row.state === "unknown"'
  },
  {
    name: "a message that got lost counts as refused",
    law: "B2",
    file: "broadcast/sender.ts",
    search: 'Effect.andThen(settle("unknown"), Effect.fail(new Lost()))',
    replace: 'Effect.andThen(settle("refused", "Lost"), Effect.fail(new Lost()))'
  },
  {
    name: "a message that was refused counts as sent",
    law: "B2",
    file: "broadcast/sender.ts",
    search: 'Effect.andThen(settle("refused", outcome.reason), pause)',
    replace: 'Effect.andThen(settle("sent"), pause)'
  },
  {
    name: "a message that was sent again, and was not, is new",
    law: "B2",
    file: "broadcast/sender.ts",
    search: 'to: wasUnknown ? "unknown" : "new"',
    replace: 'to: "new"'
  },
  {
    name: "what another has claimed is nobody's business",
    law: "B2",
    file: "broadcast/sender.ts",
    search: "new Unsent({ tried: { at: began + claimed.wait } })",
    replace: 'new Unsent({ tried: "settled" })'
  },
  {
    name: "the last claims of processes that died are never over",
    law: "B2",
    file: "broadcast/work.ts",
    search: "if (counts.sending > 0 &&",
    replace: "if (counts.sending < 0 &&"
  },
  {
    name: "a process that reads nothing does not wait for one that sends what it reads",
    law: "B2",
    file: "broadcast/work.ts",
    search: "return waitsForResume",
    replace: "return false"
  },
  {
    name: "a chunk that was not finished does not go back to the queue",
    law: "B2",
    file: "broadcast/queued.ts",
    search: 'end === "halted" ? Effect.interrupt : Effect.void',
    replace: "Effect.void"
  },
  {
    name: "a chunk that was not finished counts as loaded",
    law: "B2",
    file: "broadcast/work.ts",
    search: 'Effect.map(sender.send([...own, ...seen]), (end) => end === "done")',
    replace: "Effect.as(sender.send([...own, ...seen]), true)"
  },
  {
    name: "a chunk is counted twice",
    law: "B2",
    file: "SendLedger.ts",
    search: "if (broadcast.loaded !== from) return false",
    replace: ""
  },
  {
    name: "the recipients of a loader that died belong to nobody",
    law: "B2",
    file: "ledger/memory.ts",
    search: "if (found !== undefined) return found.line",
    replace: "if (found !== undefined) return 0"
  },
  {
    name: "a broadcast that is paused sends",
    law: "B3",
    file: "ledger/memory.ts",
    search: 'if (broadcast.control !== "running") return { found: "stopped" }',
    replace: ""
  },
  {
    name: "a broadcast that was cancelled is resumed",
    law: "B3",
    file: "Broadcast.ts",
    search: 'resume: control(["paused"]',
    replace: 'resume: control(["paused", "cancelled"]'
  },
  {
    name: "the quiet hours are not kept",
    law: "B3",
    file: "broadcast/sender.ts",
    search: "this.#options.quiet(clock.currentTimeMillisUnsafe())",
    replace: "0"
  },
  {
    name: "the hours are not looked at after the wait for a place",
    law: "B3",
    file: "broadcast/sender.ts",
    search: "if (this.#wait(clock) > 0)",
    replace: "if (this.#wait(clock) > Infinity)"
  },
  {
    name: "the limit is not kept",
    law: "B3",
    file: "broadcast/work.ts",
    search: "broadcast ${id}`, limits }",
    replace: "broadcast ${id}`, limits: [] }"
  },
  {
    name: "the place of a message that got lost is free again",
    law: "B3",
    file: "broadcast/sender.ts",
    search: 'failure instanceof Unsent ? "unsent" : "lost"',
    replace: '"unsent"'
  },
  {
    name: "a place ends before its message came",
    law: "B3",
    file: "broadcast/sender.ts",
    search: "ttl: () => 2 * deadline",
    replace: "ttl: () => 0"
  },
  {
    name: "a process that is interrupted does not wait for its messages",
    law: "B3",
    file: "bulk/halt.ts",
    search: "Fiber.await(fiber).pipe(Effect.timeoutOption(patience), Effect.andThen(Fiber.interrupt(fiber)))",
    replace: "Fiber.interrupt(fiber)"
  },
  {
    name: "a process that is interrupted begins more messages",
    law: "B3",
    file: "bulk/halt.ts",
    search: "      halt.now()\n      return",
    replace: "      return"
  },
  {
    name: "a step does not look at its budget",
    law: "B3",
    file: "Broadcast.ts",
    search: "haltAfter: Number.isFinite(millis) ? millis - last : undefined",
    replace: "haltAfter: undefined"
  },
  {
    name: "a step books a place that comes after its end",
    law: "B2",
    file: "broadcast/sender.ts",
    search: "maxWait: () => endsAt - millisOf(clock)",
    replace: "maxWait: () => Infinity"
  }
]
