/** The Markdown of the repository: where its links lead, and that both languages have the same pages. */
import { existsSync, globSync, readFileSync } from "node:fs"
import { dirname, join, relative } from "node:path"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "vitest"
import { languages, sidebarOf } from "../../docs/pages.ts"
import { anchorsIn, blocksIn, headingsIn, linksIn } from "./support/markdown.ts"

const root = fileURLToPath(new URL("../..", import.meta.url))
const site = "https://qq-mini.github.io/qq-mini/"
const repository = "https://github.com/qq-mini/qq-mini/blob/main/"

const files = globSync("**/*.md", {
  cwd: root,
  exclude: (path) => /(^|\/)(node_modules|dist|docs\/api)$/.test(path)
}).toSorted()

const read = (file: string) => readFileSync(join(root, file), "utf8")

/** The file of the repository that a link leads to, and the place in it. `undefined` for other hosts. */
const targetOf = (file: string, link: string) => {
  const [path, anchor] = decodeURI(link).split("#") as [string, string?]
  if (path.startsWith(`${site}api/`)) return undefined
  if (path.startsWith(site)) return { path: join("docs", path.slice(site.length).replace(/\.html$/, ".md")), anchor }
  if (path.startsWith(repository)) return { path: path.slice(repository.length), anchor }
  if (/^\w+:/.test(path)) return undefined
  return { path: path === "" ? file : join(dirname(file), path), anchor }
}

const isBroken = (file: string, link: string): boolean => {
  const target = targetOf(file, link)
  if (target === undefined) return false
  const { anchor, path } = target
  if (path.startsWith("..") || !existsSync(join(root, path))) return true
  return anchor !== undefined && path.endsWith(".md") && !anchorsIn(read(path)).has(anchor)
}

it.each(files)("the links of %s lead somewhere", (file) => {
  const broken = linksIn(read(file)).filter((link) => isBroken(file, link))
  assert.deepStrictEqual(broken, [])
})

// The laws are in English only.
const pairs = [
  ...globSync("docs/**/*.md", { cwd: root })
    .filter((file) => !/^docs\/(zh-CN|api|node_modules)\//.test(file) && file !== "docs/laws.md")
    .map((file): [string, string] => [file, join("docs/zh-CN", relative("docs", file))]),
  ...files
    .filter((file) => file.endsWith("README.zh-CN.md"))
    .map((file): [string, string] => [file.replace(".zh-CN", ""), file])
]

describe("both languages", () => {
  it("have the same pages", () => {
    const chinese = files.filter((file) => file.startsWith("docs/zh-CN/"))
    assert.sameMembers(
      pairs.map(([, file]) => file).filter((file) => file.startsWith("docs/")),
      chinese
    )
  })

  it.each(pairs)("%s and %s have the same headings and blocks of code", (english, chinese) => {
    const shapeOf = (file: string) => ({
      headings: headingsIn(read(file)).map((heading) => heading.indexOf(" ")),
      blocks: blocksIn(read(file)).map((block) => block.split("\n")[0])
    })
    assert.deepStrictEqual(shapeOf(chinese), shapeOf(english))
  })

  it.each(["en", "zh"] as const)("%s: the menu has all pages", (language) => {
    const home = `docs/${languages[language]}`
    const listed = sidebarOf(language).flatMap(({ items }) =>
      items.map(({ link }) => `docs${link.replace(/\/$/, "/index")}.md`)
    )
    const own = pairs.map((pair) => pair[language === "en" ? 0 : 1]).filter((file) => file.startsWith("docs/"))
    const expected = [...own.filter((file) => file !== `${home}index.md`), "docs/laws.md"]
    assert.sameMembers(listed, expected)
  })
})
