/** What a Markdown page consists of, as GitHub reads it. */
import { slugOf } from "../../../docs/slug.ts"

const blocks = /^( *)(```+)[^\n]*\n[\s\S]*?^\1\2 *$/gm

const withoutCode = (text: string) =>
  text.replace(blocks, "").replace(/`[^`\n]*`/g, (code) => code.replace(/[[\]()<>]/g, ""))

/** The code blocks of a page. */
export const blocksIn = (text: string): ReadonlyArray<string> => Array.from(text.matchAll(blocks), ([block]) => block)

/** The headings of a page, with the marks of their levels. */
export const headingsIn = (text: string): ReadonlyArray<string> => withoutCode(text).match(/^#{1,6} .+$/gm) ?? []

/** The places in a page that a link can name. */
export const anchorsIn = (text: string): ReadonlySet<string> => {
  const seen = new Map<string, number>()
  const headings = headingsIn(text).map((heading) => {
    const slug = slugOf(heading.replace(/^#+ /, "").replace(/\[([^\]]*)\]\([^)]*\)/g, "$1"))
    const before = seen.get(slug) ?? 0
    seen.set(slug, before + 1)
    return before === 0 ? slug : `${slug}-${before}`
  })
  return new Set([...headings, ...Array.from(withoutCode(text).matchAll(/<a id="([^"]+)">/g), ([, id]) => id!)])
}

/** Where the links and pictures of a page lead. */
export const linksIn = (text: string): ReadonlyArray<string> =>
  Array.from(
    withoutCode(text).matchAll(
      /\]\(<?([^)\s>]+)>?(?: "[^"]*")?\)|^\[[^\]]+\]: (\S+)|<(?:a|img)\b[^>]*(?:href|src)="([^"]+)"/gm
    ),
    ([, inline, reference, html]) => inline ?? reference ?? html!
  )
