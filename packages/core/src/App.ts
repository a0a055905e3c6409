/**
 * Mini programs: their ids and secrets, the registry in which they are looked up, and the one a program runs for.
 */
import * as Context from "effect/Context"
import { dual, identity } from "effect/Function"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { checker, invalidConfig, rule } from "./internal/rule.ts"
import { type InvalidConfig, UnknownApp } from "./reason/client.ts"
import type { QQError } from "./reason/error.ts"

/** The id of a mini program, as `1112345678`. */
export type AppId = string

/** What QQ wants to see before it gives a token. */
export interface AppCredentials {
  readonly appid: AppId
  readonly appsecret: Redacted.Redacted<string>
}

/** Credentials as people write them: the secret plain or redacted. */
export interface AppCredentialsInput {
  readonly appid: AppId
  readonly appsecret: string | Redacted.Redacted<string>
}

/** Wraps a secret unless it is wrapped already. */
export const redact = (secret: string | Redacted.Redacted<string>): Redacted.Redacted<string> =>
  Redacted.isRedacted(secret) ? secret : Redacted.make(secret)

/** Whether a value can be an appid: 1 to 64 letters, digits, `-` or `_`. */
export const isAppId = (u: unknown): u is AppId => typeof u === "string" && /^[\w-]{1,64}$/.test(u)

/** Whether a value can be an AppSecret: a text that is not blank, plain or redacted. */
export const isAppSecret = (u: unknown): u is AppCredentialsInput["appsecret"] => {
  const text = Redacted.isRedacted(u) ? Redacted.value(u) : u
  return typeof text === "string" && text.trim() !== ""
}

/** The rules for a program's credentials as people write them. */
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

/** The registry of programs. Implement it to look secrets up elsewhere, a database for instance. */
export class Apps extends Context.Service<
  Apps,
  {
    /** The credentials of one program, or of the default one. */
    readonly credentials: (appid: AppId | undefined) => Effect.Effect<AppCredentials, UnknownApp | InvalidConfig>
  }
>()("@qq-mini/core/App/Apps") {}

/** A registry of any number of programs. */
export interface AppsOptions {
  readonly apps: ReadonlyArray<AppCredentialsInput>
  /** The program of calls that name none. By default the first. */
  readonly default?: AppId | undefined
  /** What the list is, for the error of an unknown appid. By default "the registered programs". */
  readonly source?: string | undefined
}

export {
  /** A `QQError` that names a setting and says what is wrong with it, in English and Chinese. */
  invalidConfig
} from "./internal/rule.ts"

const check = /* @__PURE__ */ checker(Credentials)

/** Checks one appid and secret; `settingOf` says what a field is called in the error. */
export const checkCredentials = (
  input: { readonly appid?: unknown; readonly appsecret?: unknown } | undefined,
  settingOf: (field: string) => string = identity
): Effect.Effect<AppCredentials, QQError> =>
  Effect.map(check({ appid: input?.appid, appsecret: input?.appsecret }, settingOf), ({ appid, appsecret }) => ({
    appid,
    appsecret: redact(appsecret)
  }))

/** The error of a setting that is no list of programs. `kind` is `JSON ` where it is a text. */
export const noList = (setting: string, kind: "" | "JSON " = ""): QQError =>
  invalidConfig(
    setting,
    `must be a ${kind}list, as [{"appid":"1112345678","appsecret":"…"}]`,
    `必须是 ${kind}列表，如 [{"appid":"1112345678","appsecret":"…"}]`
  )

/** Makes the registry. Fails when an appid or secret is empty or an appid stands twice. */
export const make = Effect.fnUntraced(function* (options: AppsOptions): Effect.fn.Return<Apps["Service"], QQError> {
  const source = options.source ?? "the registered programs"
  if (!Array.isArray(options.apps)) return yield* noList(source)
  const apps = new Map<AppId, AppCredentials>()
  for (const [index, input] of options.apps.entries()) {
    const settingOf = (field: string) => `${source}[${index}].${field}`
    const app = yield* checkCredentials(input, settingOf)
    if (apps.has(app.appid)) {
      return yield* invalidConfig(settingOf("appid"), `${app.appid} stands there twice`, `${app.appid} 重复`)
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
  const known = apps.size === 0 ? "empty" : [...apps.keys()].join(", ")
  return Apps.of({
    credentials(appid = fallback) {
      const app = appid === undefined ? undefined : apps.get(appid)
      return app === undefined
        ? Effect.fail(new UnknownApp({ appid, lookedIn: `${source} (${known})` }))
        : Effect.succeed(app)
    }
  })
})

/** One program. */
export const layer = (app: AppCredentialsInput): Layer.Layer<Apps, QQError> => layerMany({ apps: [app] })

/** Several programs in one backend. */
export const layerMany = (options: AppsOptions): Layer.Layer<Apps, QQError> => Layer.effect(Apps, make(options))

/** A program given for a call: its appid, and its secret unless it is registered. */
export interface Selected {
  readonly appid: AppId
  readonly appsecret?: string | Redacted.Redacted<string> | undefined
}

/** The program that calls run for when they name none; set it with {@link use}. */
export const Current = Context.Reference<Selected | undefined>("@qq-mini/core/App/Current", {
  defaultValue: () => undefined
})

/**
 * Runs an effect for another program.
 *
 * `SubscribeMessage.send(message).pipe(App.use("1112345678"))`, or with `{ appid, appsecret }` for a program that is not
 * registered. A call that names an `appid` itself goes its own way.
 */
export const use: {
  (app: AppId | Selected): <A, E, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  <A, E, R>(self: Effect.Effect<A, E, R>, app: AppId | Selected): Effect.Effect<A, E, R>
} = dual(2, <A, E, R>(self: Effect.Effect<A, E, R>, app: AppId | Selected) =>
  Effect.provideService(self, Current, typeof app === "object" && app !== null ? app : { appid: app })
)
