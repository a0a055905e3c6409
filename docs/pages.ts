/** The pages of the site in their order. Their titles are their own headings. */
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { dirname, join } from "node:path"
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

const namesOf = (page: string): ReadonlyArray<string> => {
  if (!page.endsWith("/*")) return [page]
  const folder = dirname(page)
  if (!existsSync(join(docs, folder))) return []
  return readdirSync(join(docs, folder))
    .toSorted()
    .map((file) => `${folder}/${file.replace(/\.md$/, "")}`)
}

/** The groups of pages of a language. A page that it lacks is the English one. */
export const sidebarOf = (language: Language) =>
  groups
    .map(({ pages, ...title }) => ({
      text: title[language],
      items: pages
        .flatMap(namesOf)
        .map((name) => [languages[language] + name, name].find((path) => existsSync(join(docs, `${path}.md`))))
        .filter((path) => path !== undefined)
        .map((path) => ({ text: titleOf(path), link: `/${path}` }))
    }))
    .filter(({ items }) => items.length > 0)
