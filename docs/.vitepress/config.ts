/** The site: the Markdown of this folder, as it stands, with a menu and a search. */
import { readFileSync } from "node:fs"
import { join, relative, resolve } from "node:path"
import { fileURLToPath } from "node:url"
import { type DefaultTheme, defineConfig, type MarkdownOptions } from "vitepress"
import { packages } from "../modules.ts"
import { type Language, languages, sidebarOf } from "../pages.ts"
import { slugOf } from "../slug.ts"

const docs = fileURLToPath(new URL("..", import.meta.url))
const root = join(docs, "..")

const { repository }: { readonly repository: { readonly url: string } } = JSON.parse(
  readFileSync(join(root, "package.json"), "utf8")
)
const github = repository.url.replace(/^git\+|\.git$/g, "")
const [, owner, name] = /^https:\/\/github\.com\/(.+)\/(.+)$/.exec(github)!
const home = `https://${owner}.github.io/${name}/`

const words = {
  description: {
    en: "The server-side client for the QQ mini-program open API",
    zh: "QQ 小程序开放接口的服务端客户端"
  },
  start: { en: "Start", zh: "快速开始" },
  errors: { en: "Errors", zh: "错误" },
  reference: { en: "API", zh: "API" },
  edit: { en: "Edit this page on GitHub", zh: "在 GitHub 上编辑此页" }
} satisfies Record<string, Record<Language, string>>

// Chinese has no spaces between words, so each pair of neighbours counts as a word.
const tokenize = (text: string): Array<string> =>
  (text.match(/\p{Script=Han}+|[^\p{Script=Han}\p{P}\p{S}\p{Z}\s]+/gu) ?? []).flatMap((run) =>
    /\p{Script=Han}/u.test(run) && run.length > 2
      ? Array.from({ length: run.length - 1 }, (_, i) => run.slice(i, i + 2))
      : [run]
  )

/** Leads links to other files of the repository to GitHub, and links to the site to its own pages. */
const links: NonNullable<MarkdownOptions["config"]> = (md) => {
  md.core.ruler.push("links", ({ env, tokens }) => {
    for (const token of tokens.flatMap(({ children }) => children ?? [])) {
      const href = token.type === "link_open" ? token.attrGet("href")! : "https:"
      const [path, hash = ""] = href.split(/(?=#)/)
      if (href.startsWith(home)) {
        token.attrSet("href", href.replace(home, "/"))
      } else if (!/^(\w+:|\/|#)/.test(href)) {
        const file = resolve(docs, env.relativePath, "..", decodeURI(path!))
        if (!file.startsWith(docs) || !file.endsWith(".md")) {
          token.attrSet("href", `${github}/blob/main/${relative(root, file)}${hash}`)
        }
      }
    }
  })
}

const themeOf = (language: Language): DefaultTheme.Config => {
  const [start] = sidebarOf(language)
  return {
    nav: [
      { text: words.start[language], link: start!.items[0]!.link, activeMatch: "/start/" },
      { text: words.errors[language], link: `/${languages[language]}errors` },
      { text: words.reference[language], link: "/api/", activeMatch: "/api/" }
    ],
    editLink: { pattern: `${github}/edit/main/docs/:path`, text: words.edit[language] }
  }
}

const reference = packages.map(({ modules, name }) => ({
  text: name,
  collapsed: true,
  items: modules.map((module) => ({ text: module.name.slice(name.length + 1) || name, link: `/api/${module.name}` }))
}))

export default defineConfig({
  base: `/${name}/`,
  title: "qq-mini",
  // What the search finds in the reference is larger than vite expects of a file. It is loaded by the first search.
  vite: { build: { chunkSizeWarningLimit: 4_000 } },
  head: [["link", { rel: "icon", href: "data:," }]],
  markdown: {
    anchor: { slugify: slugOf },
    config: links,
    theme: { light: "github-light-high-contrast", dark: "github-dark-high-contrast" }
  },
  // These pages are written by programs.
  transformPageData: ({ relativePath }) =>
    /^api\/|errors\.md$/.test(relativePath) ? { frontmatter: { editLink: false } } : undefined,
  themeConfig: {
    socialLinks: [{ icon: "github", link: github }],
    outline: { level: [2, 3] },
    search: {
      provider: "local",
      options: {
        miniSearch: { options: { tokenize } },
        locales: {
          "zh-CN": {
            translations: {
              button: { buttonText: "搜索", buttonAriaLabel: "搜索文档" },
              modal: {
                displayDetails: "显示详细列表",
                resetButtonTitle: "清除搜索条件",
                backButtonTitle: "关闭搜索",
                noResultsText: "没有找到相关内容",
                footer: {
                  selectText: "选择",
                  selectKeyAriaLabel: "回车键",
                  navigateText: "切换",
                  navigateUpKeyAriaLabel: "上箭头键",
                  navigateDownKeyAriaLabel: "下箭头键",
                  closeText: "关闭",
                  closeKeyAriaLabel: "Esc 键"
                }
              }
            }
          }
        }
      }
    }
  },
  locales: {
    root: {
      label: "English",
      lang: "en-US",
      description: words.description.en,
      themeConfig: { ...themeOf("en"), sidebar: { "/api/": reference, "/": sidebarOf("en") } }
    },
    "zh-CN": {
      label: "简体中文",
      lang: "zh-CN",
      description: words.description.zh,
      themeConfig: {
        ...themeOf("zh"),
        sidebar: { "/zh-CN/": sidebarOf("zh") },
        outline: { level: [2, 3], label: "本页内容" },
        docFooter: { prev: "上一页", next: "下一页" },
        darkModeSwitchLabel: "外观",
        lightModeSwitchTitle: "切换到浅色",
        darkModeSwitchTitle: "切换到深色",
        sidebarMenuLabel: "目录",
        returnToTopLabel: "回到顶部",
        langMenuLabel: "切换语言",
        skipToContentLabel: "跳到正文",
        notFound: {
          title: "页面不存在",
          quote: "地址可能有误，或页面已移动。",
          linkLabel: "回到首页",
          linkText: "回到首页"
        }
      }
    }
  }
})
