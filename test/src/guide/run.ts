/** Runs modules one after the other, and tells what each printed. Its arguments are their paths. */
import { writeFileSync } from "node:fs"
import { formatWithOptions } from "node:util"
import { renew } from "./preamble.ts"

/** What became of a module. */
export interface Ran {
  readonly printed: string
  readonly error?: string
}

const [, , to, ...paths] = process.argv
const results: Array<Ran> = []
for (const path of paths) {
  let printed = ""
  console.log = (...values: ReadonlyArray<unknown>) => {
    printed += `${formatWithOptions({ colors: false }, ...values)}\n`
  }
  try {
    await renew()
    await import(path)
    results.push({ printed })
  } catch (error) {
    results.push({ printed, error: error instanceof Error ? `${error.message}\n${error.stack}` : String(error) })
  }
}
writeFileSync(to!, JSON.stringify(results))
// Clients and servers of the blocks are still open.
process.exit()
