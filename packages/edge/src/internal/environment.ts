import * as Setup from "@qq-mini/core/adapter/Setup"
import type * as App from "@qq-mini/core/App"
import type { QQError } from "@qq-mini/core/QQError"
import type * as QQMini from "@qq-mini/core/QQMini"
import type * as Effect from "effect/Effect"

/** Variables and bindings: `env` of Workers, `Deno.env.toObject()`, `process.env`. */
export type Env = object

// An empty variable counts as not set, because configuration files set missing variables to "".
const text = (env: Env, name: string): string | undefined => {
  const value = (env as Readonly<Record<string, unknown>>)[name]
  return typeof value === "string" && value !== "" ? value : undefined
}

/** Whether the variables name any program. */
export const hasPrograms = (env: Env): boolean =>
  ["QQ_APPID", "QQ_APPSECRET", "QQ_APPS"].some((name) => text(env, name) !== undefined)

/** The programs in the variables. Fails with a `QQError` if there is none or one is invalid. */
export const programs = (env: Env): Effect.Effect<App.AppsOptions, QQError> =>
  Setup.fromVariables({
    appid: text(env, "QQ_APPID"),
    appsecret: text(env, "QQ_APPSECRET"),
    lists: [["QQ_APPS", text(env, "QQ_APPS")]]
  })

/** Checks the settings in the options. The base URL may also come from the variables. */
export const settings = (
  env: Env,
  options: Setup.SettingsInput,
  defaults?: Partial<typeof QQMini.Settings.Service>
): Effect.Effect<typeof QQMini.Settings.Service, QQError> =>
  Setup.settings({ ...options, baseUrl: options.baseUrl ?? text(env, "QQ_BASE_URL") }, defaults)
