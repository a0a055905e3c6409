/** Writes the table of differences from vk into the pages, between two comments. Run it after changing the table. */
import { readFile, writeFile } from "node:fs/promises"
import { fileURLToPath } from "node:url"
import { defaults, type Difference, differences, type Text } from "../src/internal/vk/differences.ts"

const heads = {
  en: ["When", "vk 2.25", "qq-mini", "Why", "Switch: vk's way with `true`"],
  zh: ["何时", "vk 2.25", "qq-mini", "为什么", "开关，`true` 为 vk 的做法"]
} as const
const byDefault = { en: ", default", zh: "，默认" }

const row = (cells: ReadonlyArray<string>) => `| ${cells.join(" | ")} |`

/** The table in one language. */
export const tableOf = (language: keyof Text): string => {
  const switchOf = (id: string) => {
    const entry = Object.entries(defaults).find(([name]) => name === id)
    return entry === undefined ? "" : `\`${id}\`${byDefault[language]} \`${entry[1]}\``
  }
  const rows = differences.map(({ id, ours, vk, when, why }: Difference) =>
    row([...[when, vk, ours, why].map((text) => text[language]), switchOf(id)])
  )
  return [row(heads[language]), row(heads[language].map(() => "---")), ...rows].join("\n")
}

const [begin, end] = ["<!-- differences -->", "<!-- /differences -->"]

/** A page with the present table. */
export const withDifferences = (page: string, language: keyof Text): string => {
  const [before, rest = ""] = page.split(begin)
  return [before, begin, "\n\n", tableOf(language), "\n\n", end, rest.split(end)[1]].join("")
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [name, language] of [
    ["README.md", "zh"],
    ["VK.md", "en"]
  ] as const) {
    const file = fileURLToPath(new URL(`../${name}`, import.meta.url))
    await writeFile(file, withDifferences(await readFile(file, "utf8"), language))
  }
}
