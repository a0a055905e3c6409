/** Writes the code of the pages into a folder, as files that can be type-checked and run. */
import { mkdir, readFile, symlink, writeFile } from "node:fs/promises"
import { dirname, join } from "node:path"
import { type Block, read, root } from "./pages.ts"

const preamble = `${root}test/src/guide/preamble.ts`

/** How a block is tried. */
export type Kind =
  /** A module that runs to its end, perhaps on the names of the preamble. */
  | "module"
  /** A program that goes on after it was loaded, and so needs a process of its own. */
  | "program"
  /** Tests of vitest. */
  | "test"
  /** A Worker, or a part of one. */
  | "worker"
  /** A file of a page that begins with nothing: that page is followed as a whole. */
  | "step"

const kindOf = ({ code, file }: Block): Kind => {
  if (file !== undefined) return "step"
  if (/from "(?:vitest|@effect\/vitest)"/.test(code)) return "test"
  if (code.includes("cloudflare:workers")) return "worker"
  return code.includes("runMain") ? "program" : "module"
}

/** A block as a file. */
export interface Extracted {
  readonly kind: Kind
  readonly block: Block
  readonly path: string
  /** What the page shows that it prints. */
  readonly shown: string | undefined
}

const namesOf = async (): Promise<ReadonlyArray<string>> =>
  Array.from((await readFile(preamble, "utf8")).matchAll(/^export (?:const|let) (?:\{([^}]+)\}|(\w+))/gm)).flatMap(
    ([, several, one]) => several?.split(",").map((name) => name.trim()) ?? [one!]
  )

const isDeclared = (code: string, name: string): boolean =>
  new RegExp(`^(?:await using|const|import|let) (?:${name}\\b|\\{[^}]*\\b${name}\\b[^}]*\\})`, "m").test(code)

/** The code with the names it does not declare, and with the sandbox in place of QQ. */
const complete = (code: string, names: ReadonlyArray<string>, redis: string): string => {
  const onSandbox = code.includes("baseUrl")
    ? code
    : code.replaceAll("createQQMini({", "createQQMini({ baseUrl: sandbox.url,")
  const used = names.filter((name) => new RegExp(`\\b${name}\\b`).test(onSandbox) && !isDeclared(onSandbox, name))
  const imports = used.length === 0 ? "" : `import { ${used.join(", ")} } from "${preamble}"; `
  return `${imports}${onSandbox.replaceAll("redis://127.0.0.1:6379", redis)}`
}

/** Writes the blocks of TypeScript and JavaScript of these pages below a folder. */
export const extract = async (
  pages: ReadonlyArray<string>,
  { folder, redis }: { readonly folder: string; readonly redis: string }
): Promise<ReadonlyArray<Extracted>> => {
  const names = await namesOf()
  // The one package that an app brings itself, and the tests do not have.
  await mkdir(join(folder, "node_modules/@opentelemetry"), { recursive: true })
  const api = "node_modules/@opentelemetry/api"
  await symlink(join(root, "examples/telemetry/plain", api), join(folder, api))
  await writeFile(
    join(folder, "tsconfig.json"),
    JSON.stringify({
      extends: join(root, "test/tsconfig.json"),
      compilerOptions: { rootDir: root, noUnusedLocals: false, noUnusedParameters: false },
      include: ["**/*.ts", join(root, "examples/edge/worker/env.d.ts")],
      references: []
    })
  )
  const extracted: Array<Extracted> = []
  for (const page of pages) {
    const { blocks } = read(page)
    for (const [i, block] of blocks.entries()) {
      if (!/^(?:js|ts)$/.test(block.language)) continue
      const kind = kindOf(block)
      const own = `block-${i}${kind === "test" ? ".test" : ""}.${block.language}`
      const path = join(folder, page.replace(/\.md$/, ""), block.file ?? own)
      await mkdir(dirname(path), { recursive: true })
      await writeFile(path, kind === "module" ? complete(block.code, names, redis) : block.code)
      const next = blocks[i + 1]
      extracted.push({ kind, block, path, shown: next?.language === "text" ? next.code : undefined })
    }
  }
  return extracted
}
