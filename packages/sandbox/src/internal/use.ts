/** Checks how a test uses the sandbox: a wrong name would otherwise have no effect, and nobody would see why. */
import * as Setup from "@qq-mini/core/adapter/Setup"
import * as App from "@qq-mini/core/App"
import type { QQError } from "@qq-mini/core/QQError"
import * as Effect from "effect/Effect"
import * as Fault from "../Fault.ts"
import { endpoints } from "./calls.ts"
import type { Options } from "./platform.ts"
import { defaultPrograms, defaultTemplate, type Program } from "./program.ts"
import { defaultSwitches } from "./switches.ts"

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
export type Checked = keyof typeof fields

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
export const checkCall = (call: unknown): Effect.Effect<void, QQError> => checkOneOf("call", call, callNames)

/** Checks the bytes of a picture. */
export const checkImage = (image: unknown): Effect.Effect<void, QQError> =>
  image instanceof Uint8Array
    ? Effect.void
    : Effect.fail(
        App.invalidConfig("image", "must be the bytes of a picture, as a Uint8Array", "必须是图片的字节（Uint8Array）")
      )

/** Checks the options of a platform and its server. */
export const checkOptions = Effect.fnUntraced(function* (options: Options): Effect.fn.Return<void, QQError> {
  const names = ["programs", "switches", "quota", "riskyTexts", "isRiskyImage", "httpClient", "port"]
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

/** Knows the programs and users of a platform, and checks what names them. */
export class Use {
  readonly #programs: ReadonlyArray<Program>
  /** The programs of the users, by openid. */
  readonly #users = new Map<unknown, Program | undefined>()

  constructor(programs: ReadonlyArray<Program>) {
    this.#programs = programs
  }

  /** Notes a user of a program. */
  add(openid: string, appid: string): void {
    this.#users.set(
      openid,
      this.#programs.find((one) => one.appid === appid)
    )
  }

  /** Forgets all users. */
  reset(): void {
    this.#users.clear()
  }

  /** Checks an appid, if there is one. */
  checkAppid(appid: unknown): Effect.Effect<void, QQError> {
    return checkOneOf(
      "appid",
      appid,
      this.#programs.map((one) => one.appid)
    )
  }

  /** Checks what a method takes. */
  check(method: Checked, options: Readonly<Record<string, unknown>>): Effect.Effect<void, QQError> {
    return Effect.gen({ self: this }, function* (): Effect.fn.Return<void, QQError> {
      const names: ReadonlyArray<string> = fields[method]
      yield* checkFields("options", options, names)
      const { appid, endpoint, kind = "", openid, template_id } = options
      yield* this.checkAppid(appid)
      if (names.includes("kind")) yield* checkOneOf("kind", kind, Fault.kinds)
      yield* checkOneOf("endpoint", endpoint, callNames)
      const program = this.#users.get(openid)
      if (names.includes("openid") && program === undefined) return yield* unknownUser
      yield* checkOneOf("template_id", template_id, Object.keys(program?.templates ?? { [defaultTemplate]: "any" }))
    })
  }
}
