import * as Signature from "@qq-mini/core/Signature"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as HttpBody from "effect/http/HttpBody"
import type * as HttpClient from "effect/http/HttpClient"
import { integersAs } from "./answer.ts"
import type { Platform } from "./platform.ts"
import { acceptsPayment, acceptsPush, type PayNotification, post, type Posted, type Posting } from "./post.ts"

/** The number of an order, and its program. By default the default program. */
export interface Bill {
  readonly bill_no: string
  readonly appid?: string | undefined
}

/** What came of a payment. An order is paid once, within 48 hours. */
export interface Paid extends Posted {
  readonly state: "paid" | "paid before" | "expired" | "unknown"
}

/** A push of a form_id. */
export interface Pushed extends Posted {
  /** The form_id, which allows one template message. `""` for an unknown user. */
  readonly form_id: string
  readonly MsgId: string
}

const nothing: Posted = { accepted: false, answers: [] }

/** Posts the notification that an order is paid. An order that is not paid has none. */
export const notifyPaid = Effect.fnUntraced(function* (
  platform: Platform,
  { appid = platform.first, bill_no, ...how }: Bill & PayNotification
): Effect.fn.Return<Posted, never, HttpClient.HttpClient> {
  const program = platform.program(appid)
  const order = platform.shop.order(appid, bill_no)
  if (program === undefined || order?.paidAt === undefined) return nothing
  const options = { ...program.notify, ...how }
  const { appsecret = program.appsecret, body = "json", encoding, url } = options
  if (url === undefined) return nothing
  const { amt, app_remark, openid, paidAt } = order
  const fields = {
    openid,
    bill_no,
    amt,
    ts: Math.floor(paidAt / 1_000),
    ...(app_remark === undefined ? {} : { app_remark })
  }
  const { pathname } = new URL(url)
  const signature = Signature.payNotification({ path: pathname, parameters: fields, appsecret, encoding })
  const content = Effect.map(Effect.orDie(signature), (sig) => {
    const all = { ...fields, sig }
    const pairs = Object.entries(all).map(([name, value]) => [name, String(value)])
    return body === "json"
      ? HttpBody.text(JSON.stringify(all, integersAs(platform.switches)), "application/json")
      : HttpBody.text(new URLSearchParams(pairs).toString(), "application/x-www-form-urlencoded")
  })
  return yield* post(options, content, acceptsPayment)
})

/** Pays an order as its user, and posts the notification. */
export const pay = Effect.fnUntraced(function* (
  platform: Platform,
  options: Bill & PayNotification
): Effect.fn.Return<Paid, never, HttpClient.HttpClient> {
  const order = platform.shop.order(options.appid ?? platform.first, options.bill_no)
  const now = yield* Clock.currentTimeMillis
  if (order === undefined) return { ...nothing, state: "unknown" }
  if (order.paidAt !== undefined) return { ...nothing, state: "paid before" }
  if (order.validUntil <= now) return { ...nothing, state: "expired" }
  order.paidAt = now
  return { ...(yield* notifyPaid(platform, options)), state: "paid" }
})

/** Submits a form as a user, and pushes its form_id. */
export const pushForm = Effect.fnUntraced(function* (
  platform: Platform,
  {
    MsgId = platform.newId(),
    openid,
    ...how
  }: Posting & { readonly openid: string; readonly MsgId?: string | undefined }
): Effect.fn.Return<Pushed, never, HttpClient.HttpClient> {
  const user = platform.withOpenid(openid)
  if (user === undefined) return { ...nothing, form_id: "", MsgId }
  const now = yield* Clock.currentTimeMillis
  const form_id = platform.submitForm(user, now)
  const content = HttpBody.jsonUnsafe({
    CreateTime: Math.floor(now / 1_000),
    OpenId: openid,
    MsgType: "game_formid",
    MsgId,
    Content: form_id
  })
  return {
    ...(yield* post({ ...platform.program(user.appid)?.push, ...how }, Effect.succeed(content), acceptsPush)),
    form_id,
    MsgId
  }
})
