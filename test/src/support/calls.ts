/** What several tests need: all calls as data, and pictures to send. */
import * as Acode from "@qq-mini/core/Acode"
import * as Auth from "@qq-mini/core/Auth"
import type { CallOptions } from "@qq-mini/core/Endpoint"
import * as GamePay from "@qq-mini/core/GamePay"
import * as MidasPay from "@qq-mini/core/MidasPay"
import * as OpenData from "@qq-mini/core/OpenData"
import type { QQError } from "@qq-mini/core/QQError"
import type * as QQMini from "@qq-mini/core/QQMini"
import * as Security from "@qq-mini/core/Security"
import * as SubscribeMessage from "@qq-mini/core/SubscribeMessage"
import * as TemplateMessage from "@qq-mini/core/TemplateMessage"
import * as Quota from "@qq-mini/core/Quota"
import * as TokenCache from "@qq-mini/core/TokenCache"
import * as WxPayProxy from "@qq-mini/core/WxPayProxy"
import * as Sandbox from "@qq-mini/sandbox/Sandbox"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { PNG } from "pngjs"

const credentialsOf = ({ appid, appsecret }: Sandbox.Program) => ({ appid, appsecret })

/** The sandbox's programs, as options of a client. */
export const [first, second] = [
  credentialsOf(Sandbox.defaultPrograms[0]),
  credentialsOf(Sandbox.defaultPrograms[1])
] as const
export const template_id = Sandbox.defaultTemplate
export const risky = Sandbox.riskySamples[0]!

/** A session key, as QQ returns it. */
export const session_key = "VUNQZ0hRYURxNlZZbmNOZw=="

/** A key of Midas. */
export const app_key = "zNLgAGgqsEWJOg1nFVaO5r7fAlIQxr1u"

/** A PNG of this size. */
export const png = (width: number, height: number): Uint8Array =>
  new Uint8Array(PNG.sync.write(new PNG({ width, height, fill: true })))

export const image = png(8, 8)

/** What a call needs of the platform: a fresh code, and a user who subscribed, submitted a form and bought coins. */
export interface Guest {
  readonly code: string
  readonly openid: string
  readonly session_key: string
  readonly form_id: string
}

/** Whom the platform does not know. */
export const stranger: Guest = { code: "CODE", openid: "OPENID", session_key, form_id: "F" }

/** A new user with a login code, one subscription, one form and some coins. */
export const newGuest = (sandbox: Sandbox.Sandbox["Service"], user: string): Effect.Effect<Guest> =>
  Effect.gen(function* () {
    const login = yield* sandbox.login({ user })
    const { openid } = login
    yield* sandbox.subscribe({ openid })
    yield* sandbox.buyCoins({ openid, amt: 1_000 })
    return { ...login, form_id: yield* sandbox.submitForm({ openid }) }
  })

export type Call = (guest: Guest, options?: CallOptions) => Effect.Effect<unknown, QQError, QQMini.QQMini>

/**
 * Calls of every kind: plain ones, and of those that compose their requests one each. The checks are of content that is
 * risky, so that a pass is always wrong.
 */
export const calls: Readonly<Record<string, Call>> = {
  "auth.getAccessToken": (_, options) => Auth.getAccessToken({ cache: false }, options),
  "auth.code2Session": ({ code }, options) => Auth.code2Session({ code, needKey: true }, options),
  "acode.getMiniCode": (_, options) => Acode.getMiniCode({ path: "pages/index/index" }, options),
  "security.msgSecCheck": (_, options) => Security.msgSecCheck({ content: risky }, options),
  "security.imgSecCheck": (_, options) => Security.imgSecCheck({ media: image }, options),
  "subscribeMessage.send": ({ openid }, options) =>
    SubscribeMessage.send({ touser: openid, template_id, data: { keyword1: { value: "x" } } }, options),
  "templateMessage.send": ({ form_id, openid }, options) =>
    TemplateMessage.send({ touser: openid, template_id, form_id, data: { keyword1: { value: "x" } } }, options),
  "openData.setUserStorage": ({ openid, session_key }, options) =>
    OpenData.setUserStorage({ openid, session_key, kv_list: [{ key: "k", value: "v" }] }, options),
  "gamePay.prePay": ({ openid, session_key }, options) =>
    GamePay.prePay({ openid, session_key, bill_no: openid, amt: 10, goodid: "43", good_num: 1 }, options),
  "midasPay.pay": ({ openid, session_key }, options) =>
    MidasPay.pay({ openid, session_key, ...Sandbox.defaultOffer, bill_no: openid, amt: 1 }, options),
  "wxPayProxy.unifiedOrder": (_, options) =>
    WxPayProxy.unifiedOrder({ body: "<xml></xml>", real_notify_url: "https://example.com" }, options)
}

/** Stores that bear no grudge: tokens that died early and refusals for the number of calls are forgotten at once. */
export const forgetful = Layer.merge(
  Layer.effect(
    TokenCache.TokenCache,
    Effect.map(TokenCache.makeMemory, (cache) =>
      TokenCache.TokenCache.of({ ...cache, write: (key, options) => cache.write(key, { ...options, history: "" }) })
    )
  ),
  Layer.effect(
    Quota.Quota,
    Effect.map(Quota.makeMemory, (quota) => Quota.Quota.of({ ...quota, close: () => Effect.void }))
  )
)
