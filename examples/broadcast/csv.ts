/**
 * A message to everybody in a CSV file, on one machine, with its progress in the terminal.
 *
 *     QQ_APPID=… QQ_APPSECRET=… TEMPLATE_ID=… node broadcast/csv.ts users.csv [--dry-run]
 *
 * The file: `openid,keyword1,keyword2` in the first line, one recipient in each of the others. Stop it with Ctrl-C and
 * start it again, also after a crash: it goes on, and nobody gets the message twice.
 */
import { createQQMini, isQQError } from "@qq-mini/node"
import * as CsvRecipients from "@qq-mini/node/CsvRecipients"
import { createBroadcast } from "@qq-mini/node/NodeBroadcast"
import { basename } from "node:path"
import { parseArgs } from "node:util"

// the message says what to do; the stack does not
process.on("uncaughtException", (error) => {
  console.error(isQQError(error) ? error.message : error)
  process.exit(1)
})

const { LOCK = "90 seconds", QUIET_FROM = "22:00", QUIET_TO = "08:00" } = process.env
const { positionals, values } = parseArgs({ allowPositionals: true, options: { "dry-run": { type: "boolean" } } })
const [file = "users.csv"] = positionals

await using qq = createQQMini()
await using broadcast = createBroadcast(qq, {
  // another name would be another broadcast
  id: basename(file),
  template_id: process.env["TEMPLATE_ID"],
  page: "pages/index/index",
  recipients: CsvRecipients.read(file),
  store: process.env["STORE"] ?? "sqlite:broadcasts.sqlite",
  rate: { max: 100, window: "second" },
  quietHours: { from: QUIET_FROM, to: QUIET_TO },
  deadline: "5 seconds",
  // how long the recipients of a process that died wait for another one
  lockExpiration: LOCK as "90 seconds"
})

const { bad, badRows, recipients } = await broadcast.dryRun()
for (const { field, line, problem } of badRows) console.error(`line ${line}: ${field} ${problem.en}`)
if (bad > badRows.length) console.error(`and ${bad - badRows.length} more`)
console.log(`${recipients} recipients, ${bad} bad rows`)
if (values["dry-run"]) process.exit()

const stop = new AbortController()
process.once("SIGINT", () => stop.abort())
process.once("SIGTERM", () => stop.abort())

const result = await broadcast
  .run({
    signal: stop.signal,
    onProgress: ({ done, rate, recipients, state, timeLeft }) => {
      const speed = rate === undefined ? "" : `, ${rate.toFixed(1)} a second`
      const left = timeLeft === undefined ? "" : `, ${Math.ceil(timeLeft / 60_000)} min left`
      const text = `${state}: ${done} of ${recipients}${speed}${left}`
      process.stdout.write(process.stdout.isTTY ? `\r\u001B[K${text}` : `${text}\n`)
    }
  })
  .catch((error: unknown) => {
    if (!stop.signal.aborted) throw error
    return broadcast.progress()
  })

const { refused, sent, unknown } = result
console.log(`\n${sent} sent, ${unknown} unknown, ${result.new} left`)
for (const [reason, count] of Object.entries(refused)) console.log(`${count} refused: ${reason}`)
