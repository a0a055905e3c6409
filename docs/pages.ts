/** The pages of the site in their order. Their titles are their own headings. */
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

const docs = fileURLToPath(new URL(".", import.meta.url))

/** The languages, and where their pages are. */
export const languages = { en: "", zh: "zh-CN/" } as const
export type Language = keyof typeof languages

const groups = [
  { en: "Start", zh: "快速开始", pages: ["start/node", "start/effect", "start/unicloud", "start/workers"] },
  {
    en: "Guide",
    zh: "指南",
    pages: ["calls", "tokens", "content", "broadcasts", "payments", "edge", "testing", "moving"]
  },
  { en: "In production", zh: "上线与运维", pages: ["production", "security", "settings", "telemetry"] },
  { en: "In your project", zh: "在各类项目中使用", pages: ["projects/*"] },
  { en: "Reference", zh: "参考", pages: ["errors", "command", "laws"] }
]

const titleOf = (path: string) => /^# (.+)$/m.exec(readFileSync(join(docs, `${path}.md`), "utf8"))![1]!

// The page on all of a folder comes first.
const namesOf = (page: string): ReadonlyArray<string> => {
  const [folder, all] = page.split("/*")
  if (all === undefined) return [page]
  const names = readdirSync(join(docs, folder!), "utf8").map((file) => `${folder}/${file.replace(/\.md$/, "")}`)
  const index = `${folder}/index`
  return [index, ...names.filter((name) => name !== index).toSorted()]
}

/** The groups of pages of a language. A page that it lacks is the English one. */
export const sidebarOf = (language: Language) =>
  groups.map(({ pages, ...title }) => ({
    text: title[language],
    items: pages.flatMap(namesOf).map((name) => {
      const own = languages[language] + name
      const path = existsSync(join(docs, `${own}.md`)) ? own : name
      return { text: titleOf(path), link: `/${path.replace(/\bindex$/, "")}` }
    })
  }))
