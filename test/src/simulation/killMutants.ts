/** Runs schedules against each mutant until one fails: `node test/src/simulation/killMutants.ts --schedules 10000`. */
import { spawn } from "node:child_process"
import { once } from "node:events"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"
import { mutants as bulkMutants } from "../bulk/simulation/mutants.ts"
import { mutants } from "./mutants.ts"

const { values } = parseArgs({
  options: {
    schedules: { type: "string", default: "10000" },
    from: { type: "string", default: "1" },
    /** A part of the laws and names of those to run. */
    only: { type: "string", default: "" }
  }
})

const say = (text: string) => process.stdout.write(`${text}\n`)

const file = (name: string) => fileURLToPath(new URL(name, import.meta.url))

let unkilled = 0
const all = [
  ...mutants.map((mutant) => ({ ...mutant, run: file("run.ts") })),
  ...bulkMutants.map((mutant) => ({ ...mutant, run: file("../bulk/simulation/run.ts") }))
]
for (const { law, name, run } of all.filter((mutant) => `${mutant.law} ${mutant.name}`.includes(values.only))) {
  const args = ["--import", file("mutate.ts"), run, "--quiet", "--from", values.from, "--schedules", values.schedules]
  const child = spawn(process.execPath, args, {
    env: { ...process.env, MUTANT: name },
    stdio: ["ignore", "pipe", "pipe"]
  })
  let output = ""
  let problem = ""
  child.stdout.on("data", (piece) => (output += piece))
  child.stderr.on("data", (piece) => (problem += piece))
  const [code] = await once(child, "close")
  const end = /^(?:seed \d+, schedule (\d+)|(the plan of ".*?")): (.*)$/m.exec(output)
  if (end === null) unkilled++
  const fate =
    code === 0
      ? "LIVES"
      : end === null
        ? `failed with ${code}: ${problem}`
        : `killed ${end[1] === undefined ? `by ${end[2]}` : `after ${end[1]}`}, ${end[3]}`
  say(`${law.padEnd(4)} ${name}: ${fate}`)
}
if (unkilled > 0) process.exitCode = 1
