/**
 * Mini programs: their appids and secrets, the registry that looks them up, and the current program of a call.
 */
import * as Context from "effect/Context"
import { dual, identity } from "effect/Function"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { misnamedIn, programNames } from "./internal/names.ts"
import { checker, invalidConfig, rule } from "./internal/rule.ts"
import { type ClientClosed, type InvalidConfig, type LookupFailed, UnknownApp } from "./reason/client.ts"
import type { QQError } from "./reason/error.ts"

/** The id of a mini program, as `1112345678`. */
export type AppId = string

/** The appid and AppSecret of a mini program, which QQ requires for a token. The secret is redacted. */
export interface AppCredentials {
  /** The id of the program. */
  readonly appid: AppId
  /** The AppSecret of the program. */
  readonly appsecret: Redacted.Redacted<string>
}

/** Credentials as people write them: the secret plain or redacted. */
export interface AppCredentialsInput {
  /** The id of the program, from q.qq.com. */
  readonly appid: AppId
  /** The AppSecret of the program, from q.qq.com. */
  readonly appsecret: string | Redacted.Redacted<string>
}

/** Wraps a secret unless it is wrapped already. */
export const redact = (secret: string | Redacted.Redacted<string>): Redacted.Redacted<string> =>
  Redacted.isRedacted(secret) ? secret : Redacted.make(secret)

/** Whether a value can be an appid: 1 to 64 letters, digits, `-` or `_`. */
export const isAppId = (u: unknown): u is AppId => typeof u === "string" && /^[\w-]{1,64}$/.test(u)

/** Whether a value can be an AppSecret: a string that is not blank, plain or redacted. */
export const isAppSecret = (u: unknown): u is AppCredentialsInput["appsecret"] => {
  const text = Redacted.isRedacted(u) ? Redacted.value(u) : u
  return typeof text === "string" && text.trim() !== ""
}

/** The schema of a program's credentials as people write them, with messages in English and Chinese. */
export const Credentials = /* @__PURE__ */ Schema.Struct({
  appid: rule(
    isAppId,
    "must be the program's id from q.qq.com: 1 to 64 letters and digits, as a string",
    "必须是 q.qq.com 上的小程序 appid：1 到 64 个字母或数字的字符串"
  ),
  appsecret: rule(
    isAppSecret,
    "must be the program's AppSecret from q.qq.com, and must not be empty",
    "必须是 q.qq.com 上的 AppSecret，不能为空"
  )
})

/** The registry of programs. For secrets in a database see `AppLookup`, which implements it. */
export class Apps extends Context.Service<
  Apps,
  {
    /**
     * The credentials of one program, or of the default program for `undefined`. Waits at most `within` milliseconds,
     * if it has to wait.
     */
    readonly credentials: (appid: AppId | undefined, within?: number) => Effect.Effect<AppCredentials, Missing>
    /**
     * The credentials to use in place of those that QQ refused, or `undefined` if there are no others. Waits at most
     * `within` milliseconds. A registry that can't change omits it.
     */
    readonly replacement?: (refused: AppCredentials, within?: number) => Effect.Effect<AppCredentials | undefined>
  }
>()("@qq-mini/core/App/Apps") {}

/** Why a registry gives no credentials. */
export type Missing = UnknownApp | InvalidConfig | LookupFailed | ClientClosed

/** The programs of a registry. */
export interface AppsOptions {
  /** The programs. Each appid may occur only once. */
  readonly apps: ReadonlyArray<AppCredentialsInput>
  /** The appid for calls that name no program. By default the first in the list. */
  readonly default?: AppId | undefined
  /** The name of the list in the error of an unknown appid. By default `apps`. */
  readonly source?: string | undefined
}

export {
  /** Makes a `QQError` about a wrong setting, with the problem in English and Chinese. */
  invalidConfig
} from "./internal/rule.ts"

const check = /* @__PURE__ */ checker(Credentials)

/** Checks one appid and secret, and redacts the secret. `settingOf` gives the name of a field for the error. */
export const checkCredentials = (
  input: { readonly appid?: unknown; readonly appsecret?: unknown } | undefined,
  settingOf: (field: string) => string = identity
): Effect.Effect<AppCredentials, QQError> => {
  const [wrong] = misnamedIn(input, programNames)
  if (wrong !== undefined) return Effect.fail(invalidConfig(settingOf(wrong[0]), wrong[1].en, wrong[1].zh))
  return Effect.map(check({ appid: input?.appid, appsecret: input?.appsecret }, settingOf), ({ appid, appsecret }) => ({
    appid,
    appsecret: redact(appsecret)
  }))
}

/**
 * The error of a setting that should be a list of programs and is not. `kind` is `JSON ` for a setting that is text.
 */
export const notAList = (setting: string, kind: "" | "JSON " = ""): QQError =>
  invalidConfig(
    setting,
    `must be a ${kind}list, as [{"appid":"1112345678","appsecret":"…"}]`,
    `必须是${kind === "" ? "" : ` ${kind}`}列表，如 [{"appid":"1112345678","appsecret":"…"}]`
  )

/**
 * Makes the registry. Fails if an appid or secret is invalid, an appid occurs twice, or the default is not in the list.
 */
export const make = Effect.fnUntraced(function* (options: AppsOptions): Effect.fn.Return<Apps["Service"], QQError> {
  const source = options.source ?? "apps"
  if (!Array.isArray(options.apps)) return yield* notAList(source)
  const apps = new Map<AppId, AppCredentials>()
  for (const [index, input] of options.apps.entries()) {
    const settingOf = (field: string) => `${source}[${index}].${field}`
    const app = yield* checkCredentials(input, settingOf)
    if (apps.has(app.appid)) {
      return yield* invalidConfig(settingOf("appid"), `${app.appid} occurs twice`, `${app.appid} 重复`)
    }
    apps.set(app.appid, app)
  }
  const fallback = options.default ?? options.apps[0]?.appid
  if (options.default !== undefined && !apps.has(options.default)) {
    return yield* invalidConfig(
      "default",
      `${options.default} is not in ${source}`,
      `${options.default} 不在 ${source} 中`
    )
  }
  const known = apps.size === 0 ? "–" : [...apps.keys()].join(", ")
  return Apps.of({
    credentials(appid = fallback) {
      const app = appid === undefined ? undefined : apps.get(appid)
      return app === undefined
        ? Effect.fail(new UnknownApp({ appid, lookedIn: `${source} (${known})` }))
        : Effect.succeed(app)
    }
  })
})

/** The registry of one program. Fails if its appid or secret is invalid. */
export const layer = (app: AppCredentialsInput): Layer.Layer<Apps, QQError> => layerMany({ apps: [app] })

/** The registry of several programs. Fails as {@link make} does. */
export const layerMany = (options: AppsOptions): Layer.Layer<Apps, QQError> => Layer.effect(Apps, make(options))

/** The program of a call: its appid, and its AppSecret unless the program is registered. */
export interface Selected {
  /** The id of the program. */
  readonly appid: AppId
  /** The AppSecret of the program, unless it is registered. */
  readonly appsecret?: string | Redacted.Redacted<string> | undefined
}

/** The program of calls that name none. Set it with {@link use}. */
export const Current = Context.Reference<Selected | undefined>("@qq-mini/core/App/Current", {
  defaultValue: () => undefined
})

/**
 * Runs an effect for another program.
 *
 * `SubscribeMessage.send(message).pipe(App.use("1112345678"))`, or with `{ appid, appsecret }` for a program that is
 * not registered. It does not affect a call that names an `appid` in its input.
 */
export const use: {
  (app: AppId | Selected): <A, E, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  <A, E, R>(self: Effect.Effect<A, E, R>, app: AppId | Selected): Effect.Effect<A, E, R>
} = dual(2, <A, E, R>(self: Effect.Effect<A, E, R>, app: AppId | Selected) =>
  Effect.provideService(self, Current, typeof app === "object" && app !== null ? app : { appid: app })
)
