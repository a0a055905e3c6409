/** Copies what the console's pages load from other packages, with their licences, for the packed package. */
import { cp, mkdir, readFile, writeFile } from "node:fs/promises"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { brotliCompress, constants } from "node:zlib"
import { libraries } from "./src/console/files.ts"

// A file named LICENSE would replace our own in the packed package.
const licences = {
  "lit-html/LICENSE": "lit-html/COPYING",
  "swagger-ui-dist/LICENSE": "swagger-ui-dist/COPYING",
  "swagger-ui-dist/NOTICE": "swagger-ui-dist/NOTICE"
}

const home = dirname(fileURLToPath(import.meta.url))
const installed = join(home, "node_modules")

const compress = promisify(brotliCompress)

// The best quality takes ten times as long, for a tenth of the size.
const params = { [constants.BROTLI_PARAM_QUALITY]: 9 }

/** Copies them to a folder. The files of the pages are compressed there, since one of them has 1.7 MB. */
export const copyLibraries = async (to: string): Promise<void> => {
  for (const library of libraries) {
    const copy = join(to, `${library}.br`)
    await mkdir(dirname(copy), { recursive: true })
    await writeFile(copy, await compress(await readFile(join(installed, library)), { params }))
  }
  for (const [from, copy] of Object.entries(licences)) await cp(join(installed, from), join(to, copy))
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await copyLibraries(join(home, "dist/lib"))
