/** The sources of the packages, for laws about how they are written. */
import { readdir, readFile } from "node:fs/promises"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

const packages = fileURLToPath(new URL("../../../packages", import.meta.url))

/** A file's lines of code, without those that are comments. */
export interface Source {
  /** Its path below `packages`. */
  readonly file: string
  readonly lines: ReadonlyArray<{ readonly line: number; readonly text: string }>
}

/** All files that are published. */
export const sources = async (): Promise<ReadonlyArray<Source>> => {
  const files = (await readdir(packages, { recursive: true })).filter(
    (file) => /^[^/]+\/src\/.*\.ts$/.test(file) && !file.includes("node_modules")
  )
  return Promise.all(
    files.map(async (file) => ({
      file,
      lines: (await readFile(join(packages, file), "utf8"))
        .split("\n")
        .map((text, i) => ({ line: i + 1, text }))
        .filter(({ text }) => !/^\s*(\*|\/\/|\/\*)/.test(text))
    }))
  )
}
