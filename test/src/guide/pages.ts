/** The pages of the guide as the tests read them: their headings, and their blocks of code in order. */
import { globSync, readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"

/** The root of the repository, with `/` at its end. */
export const root = fileURLToPath(new URL("../../..", import.meta.url))

const isOfOthers = (page: string) =>
  /^docs\/(?:zh-CN\/)?(?:projects|api)\/|node_modules|\.vitepress|laws\.md$/.test(page)

/** All English pages of the guide and the README, from the root. `docs/projects` has a test of its own. */
export const pages: ReadonlyArray<string> = ["README.md", ...globSync("docs/**/*.md", { cwd: root }).toSorted()].filter(
  (page) => !isOfOthers(page) && !page.startsWith("docs/zh-CN/")
)

/** The Chinese page of an English one. */
export const chineseOf = (page: string): string =>
  page === "README.md" ? "README.zh-CN.md" : page.replace("docs/", "docs/zh-CN/")

/** A block of code. */
export interface Block {
  /** Such as `ts`, `sh` or `text`. */
  readonly language: string
  readonly code: string
  /** The file that its first line names: `// src/app.js`. */
  readonly file: string | undefined
  /** Where it is, for messages: `docs/tokens.md:12`. */
  readonly at: string
}

/** A page that was read. */
export interface Page {
  readonly text: string
  readonly blocks: ReadonlyArray<Block>
}

/** Reads a page. */
export const read = (page: string): Page => {
  const text = readFileSync(`${root}${page}`, "utf8")
  const blocks = Array.from(text.matchAll(/^( *)```(\w*)\n([\s\S]*?)^\1```$/gm), (match): Block => {
    const [, indent, language, lines] = match
    const code = lines!.replaceAll(new RegExp(`^${indent}`, "gm"), "")
    return {
      language: language!,
      code,
      file: /^(?:\/\/|#) (\S+\.\w+|\S*\.dev\.vars)\n/.exec(code)?.[1],
      at: `${page}:${text.slice(0, match.index).split("\n").length}`
    }
  })
  return { text, blocks }
}

/** A block without its comments, which are in the language of the page. */
export const withoutComments = ({ code, language }: Block): string => {
  const comment = /^(?:sh|toml|yml)$/.test(language) ? /(^|\s+)# .*$/gm : /(^|\s+)\/\/ .*$/gm
  return code.replaceAll(comment, "").replaceAll(/\n+/g, "\n").trim()
}

/** Something else was printed than a page shows. */
export interface Difference {
  readonly at: string
  readonly shown: string
  readonly printed: string
}

/** Whether a text is what a page shows. `…` in the page stands for anything within a line, or alone for any lines. */
export const isShown = (printed: string, shown: string): boolean => {
  const pattern = shown
    .trim()
    .replaceAll(/[$()*+.?[\\\]^{|}]/g, "\\$&")
    .replaceAll(/^…$/gm, "[^]*")
    .replaceAll("…", ".*")
  return new RegExp(`^${pattern}$`).test(printed.trim())
}
