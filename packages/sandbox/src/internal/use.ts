/** Checks how a test uses the sandbox: a wrong name would otherwise have no effect, and nobody would see why. */
import * as Setup from "@qq-mini/core/adapter/Setup"
import * as App from "@qq-mini/core/App"
import type { QQError } from "@qq-mini/core/QQError"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Fault from "../Fault.ts"
import type { Sandbox } from "../Sandbox.ts"
import { endpoints } from "./calls.ts"
import type { Options } from "./platform.ts"
import { defaultPrograms, defaultTemplate } from "./program.ts"
import { defaultSwitches } from "./switches.ts"

type Platform = Sandbox["Service"]

const posting = ["url", "delay", "copies", "attempts", "pause"]
const notification = ["bill_no", "appid", ...posting, "body", "encoding", "appsecret"]

/** The fields of what a method takes. */
const fields = {
  login: ["user", "appid"],
  subscribe: ["openid", "template_id", "times"],
  refuse: ["openid", "template_id"],
  submitForm: ["openid"],
  buyCoins: ["openid", "amt"],
  pay: notification,
  notifyPaid: notification,
  pushForm: ["openid", "MsgId", ...posting],
  stored: ["openid"],
  fault: ["kind", "endpoint", "times", "share", "during", "code", "delay"]
} satisfies Readonly<Record<string, ReadonlyArray<string>>>

/** The methods that take an object. */
type Checked = keyof typeof fields

const callNames = endpoints.map(({ name }) => name)

/** Fails if this is not an object, or has other fields than these. */
const checkFields = (setting: string, object: unknown, names: ReadonlyArray<string>): Effect.Effect<void, QQError> =>
  Setup.checkNames(object, Object.fromEntries(names.map((name) => [name, []])), setting)

/** Fails unless the value is one of these, or `undefined`. */
const checkOneOf = (setting: string, value: unknown, all: ReadonlyArray<string>): Effect.Effect<void, QQError> =>
  value === undefined || all.includes(value as string)
    ? Effect.void
    : Effect.fail(App.invalidConfig(setting, `must be one of ${all.join(", ")}`, `必须是以下之一：${all.join("、")}`))

/** Checks the name of a call, if there is one. */
const checkCall = (call: unknown): Effect.Effect<void, QQError> => checkOneOf("call", call, callNames)

/** Checks the bytes of a picture. */
const checkImage = (image: unknown): Effect.Effect<void, QQError> =>
  image instanceof Uint8Array
    ? Effect.void
    : Effect.fail(
        App.invalidConfig("image", "must be the bytes of a picture, as a Uint8Array", "必须是图片的字节（Uint8Array）")
      )

/** Checks the options of a platform and its server. */
export const checkOptions = Effect.fnUntraced(function* (options: Options): Effect.fn.Return<void, QQError> {
  const names = ["programs", "switches", "quota", "riskyTexts", "isRiskyImage", "httpClient", "port", "host"]
  yield* checkFields("options", options, names)
  const { programs = defaultPrograms, quota = {}, switches = {} } = options
  yield* App.make({ apps: programs, source: "programs" })
  if (programs.length === 0) return yield* App.invalidConfig("programs", "must not be empty", "不能为空")
  yield* checkFields("quota", quota, callNames)
  yield* checkFields("switches", switches, Object.keys(defaultSwitches))
})

const unknownUser = App.invalidConfig(
  "openid",
  "belongs to no user: use an openid that login() returned after the last reset()",
  "没有该用户：请使用最近一次 reset() 之后由 login() 返回的 openid"
)

const isCount = (value: unknown) => Number.isInteger(value) && (value as number) >= 0
const count = [isCount, "must be a whole number", "必须是非负整数"] as const

const isDuration = (value: unknown) => Option.isSome(Duration.fromInput(value as Duration.Input))
const duration = [
  isDuration,
  'must be milliseconds or a text such as "10 seconds"',
  "必须是毫秒数，或如 “10 seconds” 的文本"
] as const

/** The rules of values whose kind is not a name on the platform. */
const values = {
  times: count,
  copies: count,
  attempts: count,
  amt: count,
  code: [Number.isInteger, "must be an integer", "必须是整数"],
  share: [
    (value: unknown) => typeof value === "number" && value >= 0 && value <= 1,
    "must be a number from 0 to 1",
    "必须是 0 到 1 之间的数字"
  ],
  during: duration,
  delay: duration,
  pause: duration,
  url: [
    (value: unknown) => /^https?:$/.test(URL.parse(String(value))?.protocol ?? ""),
    "must be a URL that begins with http:// or https://",
    "必须是以 http:// 或 https:// 开头的网址"
  ]
} satisfies Readonly<Record<string, readonly [(value: unknown) => boolean, en: string, zh: string]>>

const checkValues = (options: Readonly<Record<string, unknown>>): Effect.Effect<void, QQError> => {
  for (const [name, [isRight, en, zh]] of Object.entries(values)) {
    if (options[name] !== undefined && !isRight(options[name])) return Effect.fail(App.invalidConfig(name, en, zh))
  }
  return Effect.void
}

/** Checks an appid, if there is one. */
const checkAppid = ({ programs }: Platform, appid: unknown): Effect.Effect<void, QQError> =>
  checkOneOf(
    "appid",
    appid,
    programs.map((one) => one.appid)
  )

/** Checks what a method takes. */
const check = Effect.fnUntraced(function* (
  platform: Platform,
  method: Checked,
  options: Readonly<Record<string, unknown>>
): Effect.fn.Return<void, QQError> {
  const names: ReadonlyArray<string> = fields[method]
  yield* checkFields("options", options, names)
  const { appid, body, encoding, endpoint, kind = "", openid, template_id } = options
  yield* checkAppid(platform, appid)
  if (names.includes("kind")) yield* checkOneOf("kind", kind, Fault.kinds)
  yield* checkOneOf("endpoint", endpoint, callNames)
  yield* checkOneOf("body", body, ["json", "form"])
  yield* checkOneOf("encoding", encoding, ["component", "form"])
  yield* checkValues(options)
  const user = typeof openid === "string" ? yield* platform.user(openid) : undefined
  if (names.includes("openid") && user === undefined) return yield* unknownUser
  const program = platform.programs.find((one) => one.appid === user?.appid)
  yield* checkOneOf("template_id", template_id, Object.keys(program?.templates ?? { [defaultTemplate]: "any" }))
})

const withAppid =
  (method: "stealToken" | "revokeTokens") =>
  (platform: Platform, appid?: unknown): Effect.Effect<unknown, QQError> =>
    Effect.andThen(checkAppid(platform, appid), platform[method](appid as string | undefined))

const others = {
  heal: ({ heal }: Platform) => heal,
  reset: ({ reset }: Platform) => reset,
  stealToken: withAppid("stealToken"),
  revokeTokens: withAppid("revokeTokens"),
  markRisky: ({ markRisky }: Platform, image?: unknown) =>
    Effect.andThen(checkImage(image), markRisky(image as Uint8Array)),
  requests: ({ log }: Platform, call?: unknown) =>
    Effect.andThen(
      checkCall(call),
      Effect.map(log, (all) => all.filter(({ endpoint }) => call === undefined || endpoint === call))
    )
} satisfies Readonly<Record<string, (platform: Platform, argument?: unknown) => Effect.Effect<unknown, QQError>>>

/** The methods that people and tests call by name. */
export type Method = Checked | keyof typeof others

/** The names of all methods. */
export const methods: ReadonlyArray<Method> = [...Object.keys(fields), ...Object.keys(others)] as ReadonlyArray<Method>

/** Calls a method of a platform by its name, if its argument is right. */
export const callMethod = (platform: Platform, method: Method, argument?: unknown): Effect.Effect<unknown, QQError> => {
  if (Object.hasOwn(others, method)) return others[method as keyof typeof others](platform, argument)
  const options = (argument ?? {}) as never
  const name = method as Checked
  return Effect.andThen(
    check(platform, name, options),
    Effect.suspend(() => platform[name](options) as Effect.Effect<unknown>)
  )
}
