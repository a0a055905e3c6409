/** The changelogs: one for all packages, in two languages, each change written in both. */

/** A change as `changeset status` tells it. */
export interface Changeset {
  readonly id: string
  /** Paragraphs in English, then in Chinese. */
  readonly summary: string
  readonly releases: ReadonlyArray<{ readonly name: string; readonly type: "major" | "minor" | "patch" | "none" }>
}

/** How the entries of a language are written. */
export interface Language {
  /** Its part of a change. */
  readonly pick: (summary: string) => string
  /** What is said of a change that lacks this part. */
  readonly missing: string
  readonly titles: Readonly<Record<"major" | "minor" | "patch", string>>
  readonly between: string
  readonly colon: string
}

const isChinese = (paragraph: string): boolean => /\p{Script=Han}/u.test(paragraph)

const paragraphs = (summary: string, which: (paragraph: string) => boolean): string =>
  summary
    .trim()
    .split(/\n\s*\n/)
    .filter(which)
    .join("\n\n")

/** The changelogs by their names. */
export const languages: Readonly<Record<string, Language>> = {
  "CHANGELOG.md": {
    pick: (summary) => paragraphs(summary, (one) => !isChinese(one)),
    missing: "does not say in English what changed.",
    titles: { major: "Breaking changes", minor: "New", patch: "Fixed" },
    between: ", ",
    colon: ": "
  },
  "CHANGELOG.zh-CN.md": {
    pick: (summary) => paragraphs(summary, isChinese),
    missing: "does not say in Chinese what changed. Write it in a paragraph of its own.",
    titles: { major: "不兼容的改动", minor: "新增", patch: "修复" },
    between: "、",
    colon: "："
  }
}

/** The section of a version: its changes by how much they matter, each with its packages. */
export const entries = (version: string, changesets: ReadonlyArray<Changeset>, language: Language): string => {
  const sections = (["major", "minor", "patch"] as const).map((type) => {
    const lines = changesets
      .filter(
        ({ releases }) => ["major", "minor", "patch"].find((one) => releases.some((r) => r.type === one)) === type
      )
      .map(({ releases, summary }) => {
        const names = releases.map(({ name }) => name.replace("@qq-mini/", "")).join(language.between)
        return `- **${names}**${language.colon}${language.pick(summary).replaceAll("\n", "\n  ")}`
      })
    return lines.length === 0 ? [] : [`### ${language.titles[type]}`, lines.join("\n")]
  })
  return [`## ${version}`, ...sections.flat()].join("\n\n")
}

/** A changelog with this section above the others. */
export const withEntry = (changelog: string, section: string): string =>
  changelog.replace(/^## /m, () => `${section}\n\n## `)

/** The section of a version in a changelog; empty if it has none. */
export const sectionOf = (changelog: string, version: string): string => {
  const section = changelog.split(/^(?=## )/m).find((one) => one.startsWith(`## ${version}\n`))
  return section?.trim() ?? ""
}
