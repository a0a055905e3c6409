/** The program of `tour.ts` on `@qq-mini/edge`: what is bundled for every runtime with `fetch`. */
import { createQQMini } from "@qq-mini/edge"
import { settings, tour, type Step, type Ways } from "./tour.ts"

/** What a runtime is told. */
export interface Told {
  readonly controlUrl: string
  readonly apps: ReadonlyArray<{ readonly appid: string; readonly appsecret: string }>
  readonly ways: Ways
}

/** Runs the program. */
export const run = ({ apps, controlUrl, ways }: Told): Promise<ReadonlyArray<Step>> =>
  tour({
    connect: (baseUrl) => createQQMini({ apps, baseUrl, ...settings }),
    ask: async (what, options = {}) => {
      const response = await fetch(`${controlUrl}/${what}`, { method: "POST", body: JSON.stringify(options) })
      return response.json()
    },
    ways
  })
