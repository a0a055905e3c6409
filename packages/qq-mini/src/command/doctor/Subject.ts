/** What the doctor examines: the settings as they were given, before anything was checked. */
import { shown, systemCalls } from "@qq-mini/core/adapter/shown"
import * as Setup from "@qq-mini/core/adapter/Setup"
import * as App from "@qq-mini/core/App"
import type { QQError } from "@qq-mini/core/QQError"
import * as Effect from "effect/Effect"
import { readFileSync } from "node:fs"
import type { Settings } from "../frame/Settings.ts"

/** All that is examined. */
export interface Subject {
  readonly settings: Settings
  /** Why the settings could not be read, if so. They are those of the environment then. */
  readonly unread?: QQError | undefined
  /** The environment, for proxies and for what Node reads there. */
  readonly environment: Readonly<Record<string, string | undefined>>
  /** The folder of the project whose packages are examined. */
  readonly folder: string
  /** Whether to ask QQ for a new token even if there is one. */
  readonly fetch: boolean
}

const defaultBaseUrl = "https://api.q.qq.com"

/** QQ's base URL as it was given. */
export const baseUrlOf = ({ settings }: Subject): string => settings.values.QQ_BASE_URL ?? defaultBaseUrl

/** The address of QQ. `undefined` if it is not one of HTTP. */
export const addressOf = (subject: Subject): URL | undefined => {
  const url = URL.parse(baseUrlOf(subject))
  return url === null || !/^https?:$/.test(url.protocol) ? undefined : url
}

const contentOf = (file: string | undefined) =>
  Effect.try({
    try: () => (file === undefined ? undefined : readFileSync(file, "utf8")),
    catch: (cause) => {
      const code = shown(cause, systemCalls)
      return App.invalidConfig("QQ_APPS_FILE", `the file can't be read (${code})`, `无法读取该文件（${code}）`)
    }
  })

/** The programs of the settings, or the one that is selected. Fails with a `QQError` that names what is wrong. */
export const programsOf = ({
  settings: { selected, values }
}: Subject): Effect.Effect<ReadonlyArray<App.AppCredentials>, QQError> =>
  Effect.gen(function* () {
    const content = yield* contentOf(values.QQ_APPS_FILE)
    const { apps } = yield* Setup.fromVariables({
      appid: values.QQ_APPID,
      appsecret: values.QQ_APPSECRET,
      lists: [
        ["QQ_APPS", values.QQ_APPS],
        ["QQ_APPS_FILE", content]
      ]
    })
    const chosen = selected === undefined ? apps : apps.filter(({ appid }) => appid === selected)
    if (chosen.length === 0) {
      return yield* App.invalidConfig("--appid", "is not one of the programs that are set", "不在已配置的小程序之中")
    }
    return chosen.map(({ appid, appsecret }) => ({ appid, appsecret: App.redact(appsecret) }))
  })
