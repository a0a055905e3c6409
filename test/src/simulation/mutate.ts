/** Loaded before a run: changes one place of the source as it is read. `MUTANT` names the change. */
import { registerHooks } from "node:module"
import { mutants as bulkMutants } from "../bulk/simulation/mutants.ts"
import { mutants } from "./mutants.ts"

const name = process.env["MUTANT"]
const mutant = [...mutants, ...bulkMutants].find((one) => one.name === name)
if (mutant === undefined) throw new Error(`no mutant has the name ${name}`)

let isApplied = false

registerHooks({
  load: (url, context, nextLoad) => {
    const loaded = nextLoad(url, context)
    if (!url.endsWith(`/core/src/${mutant.file}`)) return loaded
    const source = String(loaded.source)
    if (source.split(mutant.search).length !== 2) throw new Error(`${name}: not once in ${mutant.file}`)
    isApplied = true
    return { ...loaded, source: source.replace(mutant.search, () => mutant.replace) }
  }
})

process.on("exit", () => {
  if (!isApplied) process.exitCode = 3
})
