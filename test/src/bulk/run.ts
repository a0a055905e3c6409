/**
 * A broadcast of any size under any misfortune:
 * `node test/src/bulk/run.ts --store redis --recipients 100000 --kills 25 --freezes 25 --restarts 2`. With `--rate` it says
 * how much of the limit was used.
 */
import { parseArgs } from "node:util"
import { most, run } from "./chaos.ts"

const { values } = parseArgs({
  options: {
    store: { type: "string", default: "sqlite" },
    recipients: { type: "string", default: "100000" },
    workers: { type: "string", default: "4" },
    kills: { type: "string", default: "25" },
    freezes: { type: "string", default: "25" },
    restarts: { type: "string", default: "2" },
    faults: { type: "string", default: "0.02" },
    // messages in ten seconds
    rate: { type: "string" }
  }
})

const say = (text: string) => process.stdout.write(`${text}\n`)
const windowMillis = 10_000
const reportEveryMillis = 10_000

const began = performance.now()
let saidAt = began
const rate = values.rate === undefined ? undefined : { max: Number(values.rate), window: windowMillis }
const { connectionsCut, notInLedger, notInLog, requests, result, tokens, twice } = await run({
  store: values.store as "sqlite" | "redis",
  recipients: Number(values.recipients),
  workers: Number(values.workers),
  kills: Number(values.kills),
  freezes: Number(values.freezes),
  restarts: Number(values.restarts),
  faults: Number(values.faults),
  ...(rate && { rate }),
  onProgress: (count) => {
    if (performance.now() - saidAt < reportEveryMillis) return
    saidAt = performance.now()
    say(`${count} requests after ${Math.round((saidAt - began) / 1_000)} s`)
  }
})

const { new: left, recipients, refused, sending, sent, unknown } = result
const refusals = Object.values(refused).reduce((a, b) => a + b, 0)
say(`${recipients} recipients: ${sent} sent, ${refusals} refused, ${unknown} unknown, ${left} new, ${sending} sending`)
say(`${requests.length} requests, ${tokens} tokens, ${connectionsCut} connections cut`)
say(`twice: ${twice.length}, sent but not in QQ's log: ${notInLog.length}, in QQ's log alone: ${notInLedger.length}`)
if (rate !== undefined) {
  const times = requests.map(({ at }) => at)
  const [first, last] = [times[0]!, times.at(-1)!]
  // From the end of the first window, in which all of a limit may be used at once, to the last message.
  const later = times.filter((at) => at >= first + windowMillis).length
  const used = later / ((rate.max * (last - first - windowMillis)) / windowMillis)
  say(`at most ${most(times, windowMillis)} of ${rate.max} in any window, ${(used * 100).toFixed(1)} % used`)
}
const isGood =
  twice.length + notInLog.length + notInLedger.length + left + sending === 0 && sent + refusals + unknown === recipients
say(isGood ? "good" : "BAD")
process.exitCode = isGood ? 0 : 1
