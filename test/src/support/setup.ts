/** Once before all tests, and once after them: whatever a test starts or writes ends with it. */
import { fileURLToPath } from "node:url"
import { build } from "esbuild"
import type { TestProject } from "vitest/node"
import { deliver } from "../../../packages/qq-mini/delivery/build.ts"
import { makeFolder } from "./folder.ts"
import { holderIn } from "./processes.ts"
import { install } from "./systemPrograms.ts"

/** One file of what `holder.ts` needs: a process that loads it starts in a quarter of the time. */
const bundleHolder = (folder: string) =>
  build({
    entryPoints: [fileURLToPath(new URL("holder.ts", import.meta.url))],
    outfile: holderIn(folder),
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node24",
    // apart: inline, every process would read 16 MB more
    sourcemap: "linked",
    // what is CommonJS in it asks for Node's own modules so
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url)" },
    logLevel: "warning"
  })

export default async ({ config }: TestProject): Promise<() => Promise<void>> => {
  install()
  const folder = config.env["TMPDIR"]!
  const leave = makeFolder(folder)
  await Promise.all([bundleHolder(folder), deliver()])
  return leave
}
