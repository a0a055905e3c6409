/**
 * Compares the client of this checkout with that of another one, such as an earlier commit with its dependencies installed:
 *
 *     node bench/src/pairs.ts ../before
 *
 * Many short pairs, A B B A, so that other load on the machine falls on both alike; and many processes, because two
 * processes of the same code differ by some percent for as long as they live. Prints the ratio of CPU time, this checkout
 * to the other: its median, the interval that contains the median with 95 % certainty, and the quartiles.
 */
import { fork } from "node:child_process"
import { once } from "node:events"
import { resolve } from "node:path"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { processes: { type: "string", default: "40" } }
})
const checkouts = [fileURLToPath(new URL("../..", import.meta.url)), resolve(positionals[0]!)]
const processes = Number(values.processes)
const pairs = 20
const calls = 500
const warmUp = 5_000

const start = async (checkout: string) => {
  const child = fork(fileURLToPath(new URL("pairProcess.ts", import.meta.url)), [checkout])
  await once(child, "message")
  /** Microseconds of CPU a call. */
  const ask = async (calls: number): Promise<number> => {
    child.send(calls)
    return (await once(child, "message"))[0]
  }
  await ask(warmUp)
  return { ask, end: () => child.disconnect() }
}

const at = (values: ReadonlyArray<number>, share: number) =>
  values.toSorted((a, b) => a - b)[Math.round((values.length - 1) * share)]!

const ratios: Array<number> = []
const costs: [Array<number>, Array<number>] = [[], []]
for (let process = 0; process < processes; process++) {
  const order = process % 2 === 0 ? [0, 1] : [1, 0]
  const running: Array<Awaited<ReturnType<typeof start>>> = []
  for (const which of order) running[which] = await start(checkouts[which]!)
  const ofProcess: Array<number> = []
  for (let pair = 0; pair < pairs; pair++) {
    const cost: Array<number> = []
    for (const which of pair % 2 === 0 ? order : order.toReversed()) cost[which] = await running[which]!.ask(calls)
    ofProcess.push(cost[0]! / cost[1]!)
    for (const which of [0, 1] as const) costs[which].push(cost[which]!)
  }
  ratios.push(at(ofProcess, 0.5))
  for (const one of running) one.end()
}

// the order statistics that enclose the median
const half = Math.min(0.5, 0.98 / Math.sqrt(processes))
const shown = (share: number) => at(ratios, share).toFixed(3)
console.log(
  `${shown(0.5)} × (95 %: ${shown(0.5 - half)} to ${shown(0.5 + half)}; quartiles: ${shown(0.25)}, ${shown(0.75)}), ` +
    `${costs.map((all) => `${at(all, 0.5).toFixed(1)} µs`).join(" to ")} a call without a socket; ` +
    `${processes} processes of each, ${pairs} pairs of ${calls} calls in each`
)
