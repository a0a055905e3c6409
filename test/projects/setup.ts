/** Once before all projects: builds the packages, and packs them as they are published. */
import { execFile } from "node:child_process"
import { readdir, readFile } from "node:fs/promises"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import type { TestProject } from "vitest/node"
import { makeFolder } from "../src/support/folder.ts"

const run = promisify(execFile)
const root = fileURLToPath(new URL("../..", import.meta.url))

/** A packed package, and which of the others it needs. */
export interface Packed {
  readonly archive: string
  readonly needs: ReadonlyArray<string>
}

declare module "vitest" {
  interface ProvidedContext {
    /** The packed packages, by name. */
    packed: Readonly<Record<string, Packed>>
  }
}

const pack = async (folder: string, to: string): Promise<readonly [string, Packed]> => {
  const { dependencies, name } = JSON.parse(await readFile(join(folder, "package.json"), "utf8"))
  const { stdout } = await run("npx", ["-y", "pnpm@12.21.0", "pack", "--json", "--pack-destination", to], {
    cwd: folder
  })
  const needs = Object.keys(dependencies ?? {}).filter((one) => one.startsWith("@qq-mini/"))
  return [name, { archive: JSON.parse(stdout).filename, needs }]
}

export default async (project: TestProject): Promise<() => Promise<void>> => {
  const folder = project.config.env["TMPDIR"]!
  const leave = makeFolder(folder)
  try {
    await run(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "--build"], { cwd: root })
    const packages = join(root, "packages")
    // uniCloud has no npm: its file is tested elsewhere
    const names = (await readdir(packages)).filter((name) => name !== "unicloud")
    const packed = []
    for (const name of names) packed.push(await pack(join(packages, name), folder))
    project.provide("packed", Object.fromEntries(packed))
  } catch (error) {
    await leave()
    throw error
  }
  return leave
}
