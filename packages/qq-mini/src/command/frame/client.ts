/** The client of a command. Only commands that call QQ load this file. */
import type { AccessToken } from "@qq-mini/core/AccessToken"
import * as App from "@qq-mini/core/App"
import { QQError } from "@qq-mini/core/QQError"
import type { QQMini } from "@qq-mini/core/QQMini"
import * as NodeQQMini from "@qq-mini/node/NodeQQMini"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { Settings, Variable } from "./Settings.ts"

/** Names in an error where a wrong setting was given: by a flag, a variable, or a field of the file. */
export const withSource =
  ({ file, options, sources }: Settings) =>
  (error: QQError): QQError => {
    const { reason } = error
    if (reason._tag !== "InvalidConfig") return error
    const { problem, setting } = reason
    const variable = /\bQQ_[A-Z_]+/.exec(setting)?.[0] as Variable | undefined
    const source =
      variable === undefined ? (setting in options ? `${setting} (${file})` : undefined) : sources[variable]
    return source === undefined ? error : App.invalidConfig(source, problem.en, problem.zh)
  }

// The variables of the settings in place of those of the environment.
const layerVariables = ({ values }: Settings): Layer.Layer<never> =>
  ConfigProvider.layer(
    ConfigProvider.fromEnvRecord({ ...process.env, QQ_APPID: undefined, QQ_APPSECRET: undefined, ...values })
  )

/** The program of the command: the one that `--appid` selects, or the first that is configured. */
export const credentialsOf = (settings: Settings): Effect.Effect<App.AppCredentials, QQError> =>
  NodeQQMini.fromEnvironment.pipe(
    Effect.flatMap(({ programs }) => App.make(programs)),
    Effect.flatMap((apps) =>
      Effect.mapError(
        apps.credentials(settings.selected),
        (reason) => new QQError({ endpoint: "configuration", app: settings.selected, reason })
      )
    ),
    Effect.provide(layerVariables(settings)),
    Effect.mapError(withSource(settings))
  )

/** The id of the program of the command. No secret is needed for it. */
export const appidOf = (settings: Settings): Effect.Effect<App.AppId, QQError> => {
  const appid = settings.selected ?? settings.values.QQ_APPID
  return appid === undefined ? Effect.map(credentialsOf(settings), (app) => app.appid) : Effect.succeed(appid)
}

/** Runs an effect with the client of the settings, for the program that `--appid` selects. */
export const withClient =
  (settings: Settings, options: NodeQQMini.Options = {}) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E | QQError, Exclude<R, QQMini | AccessToken>> => {
    const layer = NodeQQMini.layerConfigWith({ ...settings.options, ...options }).pipe(
      Layer.provide(layerVariables(settings))
    )
    const selected = settings.selected === undefined ? effect : App.use(effect, settings.selected)
    return Effect.mapError(Effect.provide(selected, layer), (error) =>
      error instanceof QQError ? withSource(settings)(error) : error
    )
  }
