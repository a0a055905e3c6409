import type { Theme } from "vitepress"
import DefaultTheme from "vitepress/theme"
// oxlint-disable-next-line import/no-unassigned-import
import "./style.css"

// The laws and the reference are in English only: whoever asks for them in Chinese gets the Chinese home.
const englishOnly = /\/zh-CN\/(?:api\/|laws\b).*/

export default {
  extends: DefaultTheme,
  enhanceApp: ({ router }) => {
    router.onBeforeRouteChange = (to) => {
      if (!englishOnly.test(to)) return true
      void router.go(to.replace(englishOnly, "/zh-CN/"))
      return false
    }
  }
} satisfies Theme
