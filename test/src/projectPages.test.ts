/** The pages about projects of users: their code is that of the projects in `test/projects`. */
import { readdir, readFile } from "node:fs/promises"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "vitest"

const root = fileURLToPath(new URL("../..", import.meta.url))

// one page for all of them
const runners: ReadonlyArray<string> = ["jest", "node-test", "vitest"]

/** The lines of code. Comments are in the language of the page, so they are left out. */
const codeOf = (text: string) =>
  text
    .replace(/^ *\/\*\*[\s\S]*?\*\/ *\n/gm, "")
    .split("\n")
    .map((line) => line.replace(/(^| +)\/\/ .*$/, ""))
    .filter((line) => line.trim() !== "")
    .join("\n")

const filesOf = async (name: string) => {
  const files = await readdir(join(root, "test/projects", name), { recursive: true, withFileTypes: true })
  const texts = files
    .filter((file) => file.isFile() && !file.parentPath.includes("node_modules"))
    .map((file) => readFile(join(file.parentPath, file.name), "utf8"))
  return (await Promise.all(texts)).map(codeOf)
}

describe.each(["docs/projects", "docs/zh-CN/projects"])("%s", (folder) => {
  it("has a page for each project, which the index lists", async () => {
    const pages = (await readdir(join(root, folder))).filter((page) => page !== "index.md").toSorted()
    const index = await readFile(join(root, folder, "index.md"), "utf8")
    for (const page of pages) assert.include(index, `](./${page})`)
    const entries = await readdir(join(root, "test/projects"), { withFileTypes: true })
    const projects = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name)
    const own = projects.filter((name) => !runners.includes(name) && name !== "node_modules")
    assert.deepStrictEqual(pages, [...own.map((name) => `${name}.md`), "runners.md"].toSorted())
  })

  it("shows the code of the projects", async () => {
    for (const page of await readdir(join(root, folder))) {
      const text = await readFile(join(root, folder, page), "utf8")
      const name = page.replace(/\.md$/, "")
      const projects = name === "runners" ? runners : name === "index" ? [] : [name]
      const files = (await Promise.all(projects.map(filesOf))).flat()
      for (const [, block] of text.matchAll(/```(?:js|ts|json|jsonc)\n([\s\S]*?)```/g)) {
        const code = codeOf(block!)
        assert.isTrue(
          files.some((file) => file.includes(code)),
          `${page} has code that no file of the project has:\n${code}`
        )
      }
    }
  })
})
