import type * as Endpoint from "@qq-mini/core/Endpoint"
import { groups } from "@qq-mini/core/Endpoints"
import type { Limit } from "@qq-mini/core/Quota"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { imageSize } from "image-size"
import { miniCode } from "./miniCode.ts"
import type { Platform } from "./platform.ts"
import { defaultPages, defaultTemplate } from "./program.ts"
import { Refusal, refuse } from "./refusal.ts"
import { type Sent, signedHandlers, userOf } from "./signed.ts"

type Group = (typeof groups)[keyof typeof groups]
type Endpoints = Group extends infer G ? (G extends unknown ? G[keyof G] : never) : never

/** All calls that the platform answers. */
export const endpoints: ReadonlyArray<Endpoint.Any> = Object.values(groups).flatMap((group) => Object.values(group))

type Output<E> = E extends Endpoint.Endpoint<string, any, any, infer Output, any> ? Output["Type"] : never

type Handler<E> =
  E extends Endpoint.Endpoint<string, any, infer Wire, any, any>
    ? (params: Wire["Type"], appid: string, platform: Platform) => Effect.Effect<Output<E>, Refusal>
    : never

/** Counts a call for all limits. Refuses with this code if one is exceeded. */
export const spend = (
  platform: Platform,
  key: string,
  limits: ReadonlyArray<Limit>,
  code: number
): Effect.Effect<void, Refusal> =>
  Effect.flatMap(Clock.currentTimeMillis, (now) =>
    limits.every((limit) => platform.spend(key, limit, now))
      ? Effect.void
      : refuse(code, "reach max api daily quota limit")
  )

const chinaDay = (millis: number) => Math.floor((millis + 8 * 3_600_000) / 86_400_000)

/** Whether a page is in the published program. No page is the home page. */
const isPage = (platform: Platform, appid: string, path: string | undefined): boolean =>
  path === undefined || (platform.program(appid)?.pages ?? defaultPages).includes(path.split("?")[0]!)

/** Refuses a template that the program does not have, and data without one of its keywords. */
const checkTemplate = (
  platform: Platform,
  appid: string,
  template: string,
  data: Readonly<Record<string, unknown>>
): Effect.Effect<void, Refusal> => {
  const { templates = { [defaultTemplate]: "any" as const } } = platform.program(appid)!
  const keywords = Object.hasOwn(templates, template) ? templates[template] : undefined
  if (keywords === undefined) return refuse(40037, "invalid template_id")
  return keywords !== "any" && keywords.some((keyword) => data[keyword] === undefined)
    ? refuse(47003, "argument invalid")
    : Effect.void
}

const payPage = "https://wx.tenpay.com/cgi-bin/mmpayweb-bin/checkmweb?prepay_id=1"

const handlers: {
  readonly [E in Endpoints as Exclude<E["name"], keyof typeof signedHandlers>]: Handler<E>
} = {
  "auth.getAccessToken": (_, appid, platform) =>
    Effect.map(Clock.currentTimeMillis, (now) => ({
      access_token: Redacted.make(platform.issue(appid, now)),
      expires_in: platform.switches.tokenLifetime
    })),

  "auth.code2Session": Effect.fnUntraced(function* ({ code }, appid, platform) {
    const { switches } = platform
    const now = yield* Clock.currentTimeMillis
    const login = platform.withCode(code)
    if (login === undefined || login.appid !== appid || login.used || login.validUntil <= now) {
      return yield* refuse(switches.loginCodes.code, "invalid code")
    }
    const user = platform.withOpenid(login.openid)!
    yield* spend(platform, `login ${user.openid}`, platform.limits(groups.auth.code2Session), 45011)
    login.used = true
    return {
      openid: user.openid,
      session_key: Redacted.make(user.sessionKey),
      ...(switches.unionid ? { unionid: user.unionid } : {})
    }
  }),

  "acode.getMiniCode": Effect.fnUntraced(function* ({ path }, appid, platform) {
    if (!isPage(platform, appid, path)) return yield* refuse(41030, "invalid page")
    const image = yield* Effect.mapError(miniCode(appid, path), () => new Refusal(40035, "invalid path"))
    yield* spend(platform, `acode.getMiniCode ${appid}`, platform.limits(groups.acode.getMiniCode), 45029)
    return image
  }),

  "security.msgSecCheck": ({ content }, _, platform) => Effect.sync(() => ({ risky: platform.isRiskyText(content) })),

  "security.imgSecCheck": Effect.fnUntraced(function* ({ media: { bytes } }, _, platform) {
    const { badImageCode, imageEitherWayRound } = platform.switches
    if (bytes.length > 1024 * 1024) return yield* refuse(40006, "image size too large")
    const { height, type, width } = yield* Effect.try({
      try: () => imageSize(bytes),
      catch: () => new Refusal(badImageCode, "invalid image")
    })
    if (type !== "png" && type !== "jpg" && type !== "gif") return yield* refuse(badImageCode, "invalid image type")
    const turned = imageEitherWayRound && width > height
    if ((turned ? height : width) > 750 || (turned ? width : height) > 1334) {
      return yield* refuse(badImageCode, "image pixels too large")
    }
    return { risky: yield* Effect.promise(() => platform.isRiskyImage(bytes)) }
  }),

  "security.mediaCheckAsync": (_, appid) =>
    Effect.map(Clock.currentTimeMillis, (now) => ({ trace_id: `trace-${appid}-${now}` })),

  "subscribeMessage.send": Effect.fnUntraced(function* (message, appid, platform) {
    const { data, oac_appid, template_id, touser } = message
    const { messageDay, notSubscribedCode, sameUserSeconds } = platform.switches
    const { officialAccounts } = platform.program(appid)!
    const user = yield* userOf(platform, appid, touser)
    yield* checkTemplate(platform, appid, template_id, data)
    if (oac_appid !== undefined && !officialAccounts?.includes(oac_appid)) {
      return yield* refuse(40015, "invalid oac_appid")
    }
    const left = user.subscriptions.get(template_id) ?? 0
    if (left === "refused") return yield* refuse(46003, "user refuse to accept the msg")
    if (left === 0) return yield* refuse(notSubscribedCode, "user not subscribe the msg")
    const now = yield* Clock.currentTimeMillis
    if (now - user.lastMessage < sameUserSeconds * 1_000) return yield* refuse(41030, "send too fast")
    const day = messageDay === "calendar" ? ` ${chinaDay(now)}` : ""
    yield* spend(platform, `message ${touser}${day}`, platform.limits(groups.subscribeMessage.send), 46002)
    user.subscriptions.set(template_id, left - 1)
    user.lastMessage = now
  }),

  "templateMessage.send": Effect.fnUntraced(function* ({ data, form_id, page, template_id, touser }, appid, platform) {
    const user = yield* userOf(platform, appid, touser)
    yield* checkTemplate(platform, appid, template_id, data)
    if (!isPage(platform, appid, page)) return yield* refuse(41030, "invalid page")
    const now = yield* Clock.currentTimeMillis
    const form = platform.form(form_id)
    if (form === undefined || form.openid !== user.openid || form.validUntil <= now) {
      return yield* refuse(41028, "invalid form id")
    }
    if (form.used) return yield* refuse(41029, "form id used count reach limit")
    form.used = true
  }),

  "wxPayProxy.unifiedOrder": () =>
    Effect.succeed({ return_code: "SUCCESS", result_code: "SUCCESS", mweb_url: payPage }),
  "wxPayProxy.h5": () => Effect.succeed({ h5_url: payPage }),
  "wxPayProxy.partnerH5": () => Effect.succeed({ h5_url: payPage }),
  "wxPayProxy.combineH5": () => Effect.succeed({ h5_url: payPage })
}

/** The calls that sign what they send must return what their endpoints say. */
const signed: {
  readonly [E in Endpoints as Extract<E["name"], keyof typeof signedHandlers>]: (
    sent: Sent,
    platform: Platform
  ) => Effect.Effect<Output<E>, Refusal>
} = signedHandlers

/** Executes a call of a program, or refuses it. */
export const perform = (endpoint: Endpoint.Any, sent: Sent, platform: Platform): Effect.Effect<unknown, Refusal> => {
  const { name } = endpoint
  if (Object.hasOwn(signed, name)) return signed[name as keyof typeof signed](sent, platform)
  const handler = handlers[name as keyof typeof handlers] as Handler<Endpoint.Any>
  const { appid: _, ...others } = sent.body
  const params = endpoint.appid ? others : sent.body
  // What the proxy of WeChat Pay passes on is not its parameters.
  if (endpoint.compose !== undefined) return handler(params, sent.appid, platform)
  const decoded = Schema.decodeUnknownResult(endpoint.wire)(params)
  return Result.isFailure(decoded) ? refuse(40035, "invalid parameter") : handler(decoded.success, sent.appid, platform)
}
