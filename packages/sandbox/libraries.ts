/** Copies what the console's pages load from other packages, with their licences, for the packed package. */
import { cp } from "node:fs/promises"
import { libraries } from "./src/console/files.ts"

// A file named LICENSE would replace our own in the packed package.
const licences = {
  "lit-html/LICENSE": "lit-html/COPYING",
  "swagger-ui-dist/LICENSE": "swagger-ui-dist/COPYING",
  "swagger-ui-dist/NOTICE": "swagger-ui-dist/NOTICE"
}

const copies = [...libraries.map((library) => [library, library] as const), ...Object.entries(licences)]

for (const [from, to] of copies) {
  const [installed, copy] = [
    new URL(`node_modules/${from}`, import.meta.url),
    new URL(`dist/lib/${to}`, import.meta.url)
  ]
  await cp(installed, copy)
}
