import * as Setup from "@qq-mini/core/adapter/Setup"
import { type AppsOptions, invalidConfig } from "@qq-mini/core/App"
import type { QQError } from "@qq-mini/core/QQError"
import type * as QQMini from "@qq-mini/core/QQMini"
import * as Effect from "effect/Effect"

/** Variables and bindings: `env` of Workers, `Deno.env.toObject()`, `process.env`. */
export type Env = object

// An empty variable counts as not set, because configuration files set missing variables to "".
const text = (env: Env, name: string): string | undefined => {
  const value = (env as Readonly<Record<string, unknown>>)[name]
  return typeof value === "string" && value !== "" ? value : undefined
}

/** Checks that the option `env` has variables. */
export const check = (env: unknown): Effect.Effect<void, QQError> =>
  env === undefined || (typeof env === "object" && env !== null)
    ? Effect.void
    : Effect.fail(
        invalidConfig(
          "env",
          "must be an object of variables: env of Workers, Deno.env.toObject(), or process.env",
          "必须是包含环境变量的对象：Workers 的 env、Deno.env.toObject() 或 process.env"
        )
      )

/** Whether the variables name any program. */
export const hasPrograms = (env: Env): boolean =>
  ["QQ_APPID", "QQ_APPSECRET", "QQ_APPS"].some((name) => text(env, name) !== undefined)

/** The programs in the variables. Fails with a `QQError` if there is none or one is invalid. */
export const programs = (env: Env): Effect.Effect<AppsOptions, QQError> =>
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
