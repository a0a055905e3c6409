/**
 * What QQ posts to your server: notifications of game payments, and pushes such as the form ids of games.
 *
 * A payment notification is signed: check it with `Signature.verifyPayNotification`. No signature of pushes is
 * documented, so anybody can send one. Do not trust a push alone: take it as a hint, and give QQ an address that nobody
 * can guess. `PushHandler` does what a server must do with both.
 *
 * Bodies may be JSON or forms, as bytes, as text, or parsed by a framework. Whatever arrives, the result is a value or
 * {@link PushInvalid}.
 */
import * as Effect from "effect/Effect"
import { parse, textOf } from "./call/strictJson.ts"
import { type Help, reason } from "./internal/reason.ts"

/** The largest body that is read, in bytes. QQ's own have less than 1 KB. It is our limit, not QQ's. */
export const maxBytes = 65_536

// QQ's order numbers have at most 63 characters. Longer ids would only fill the store.
const maxIdCharacters = 256

/** The body of a request: its bytes or its text, or the object that a framework made of it. */
export type Body = Uint8Array | string | object

/** All fields of a body. */
export interface Fields {
  readonly [field: string]: unknown
}

/** The notification that QQ posts after a game payment. Source: QQ's document on game payments. */
export interface PayNotification {
  /** The user who paid. */
  readonly openid: string
  /** The number of your order, as in the prepay. */
  readonly bill_no: string
  /** The amount. Compare it with your order. */
  readonly amt: number
  /** The time that QQ states, in seconds since 1970. */
  readonly ts: number
  /** Your remark of the prepay. `""` if there is none. */
  readonly app_remark: string
  /** QQ's signature. */
  readonly sig: string
  /** All that QQ posted, for `Signature.verifyPayNotification`. */
  readonly parameters: ReadonlyArray<readonly [name: string, value: string]>
}

/** The push of a game's form id. Source: QQ's document on form ids of games. */
export interface GameFormId {
  readonly _tag: "GameFormId"
  /** The user whom the form id is for. */
  readonly OpenId: string
  /** The id of the push. It is the same when QQ repeats it. */
  readonly MsgId: string
  /** What QQ sends of the form id, as it is. */
  readonly Content: string
  /** When QQ made it, in seconds since 1970, if QQ says so. */
  readonly CreateTime: number | undefined
  /** All fields that QQ posted. */
  readonly fields: Fields
}

/** A push of a type that this client does not know. QQ adds some without notice. */
export interface UnknownPush {
  readonly _tag: "UnknownPush"
  /** The type. */
  readonly MsgType: string
  /** The id of the push, if it has one. */
  readonly MsgId: string | undefined
  /** All fields that QQ posted. Nothing is known of them. */
  readonly fields: Fields
}

/** What QQ pushes. */
export type Push = GameFormId | UnknownPush

const help: Readonly<Record<PushInvalid["problem"], Help>> = {
  size: {
    en: `The body is larger than ${maxBytes} bytes. QQ sends no such body.`,
    zh: `请求体超过 ${maxBytes} 字节，QQ 不会发送这样的请求。`
  },
  format: {
    en: "The body is neither JSON nor a form of QQ's. If it comes from QQ, pass it on unchanged.",
    zh: "请求体不是 QQ 的 JSON 或表单。若确实来自 QQ，请原样传入。"
  },
  field: {
    en: "A field of the body is missing or of a wrong kind. If it comes from QQ, pass the body on unchanged.",
    zh: "请求体中的字段缺失或类型不符。若确实来自 QQ，请原样传入。"
  }
}

/** The body is not one of QQ's. It contains nothing of the body. */
export class PushInvalid
  extends /* @__PURE__ */ reason("PushInvalid", {
    en: "The body is not one of QQ's.",
    zh: "请求体不是 QQ 发送的格式。"
  })<{
    /** `size`: too large. `format`: not JSON nor a form. `field`: a field is missing or wrong. */
    readonly problem: "size" | "format" | "field"
    /** The name of the field. */
    readonly field?: string
  }>
{
  override get help(): Help {
    const { en, zh } = help[this.problem]
    return this.field === undefined ? { en, zh } : { en: `${this.field}: ${en}`, zh: `${this.field}：${zh}` }
  }
}

type Pairs = ReadonlyArray<readonly [name: string, value: unknown]>

const invalid = (problem: PushInvalid["problem"], field?: string) =>
  Effect.fail(new PushInvalid(field === undefined ? { problem } : { problem, field }))

const pairsOfObject = (body: object): Pairs | undefined =>
  Array.isArray(body) ? undefined : Symbol.iterator in body ? [...(body as URLSearchParams)] : Object.entries(body)

// JavaScript would round integers of 64 bits: different ids would be the same. They become strings.
const tokens = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g
const exact = (json: string): string =>
  json.replace(tokens, (token) => (/^-?\d{16,}$/.test(token) ? `"${token}"` : token))

const pairsOfJson = (text: string): Pairs | undefined => {
  // Only valid JSON is searched: in other texts the search would be slow.
  const value = parse(text) === undefined ? undefined : parse(exact(text))
  return typeof value === "object" && value !== null ? pairsOfObject(value) : undefined
}

/** I2: the name and value pairs of a body. By its content, because nothing is known of the content type that QQ sends. */
const pairsOf = Effect.fnUntraced(function* (body: Body): Effect.fn.Return<Pairs, PushInvalid> {
  if (typeof body === "string" || body instanceof Uint8Array) {
    if (body.length > maxBytes) return yield* invalid("size")
    const text = typeof body === "string" ? body : textOf(body)
    if (text === undefined || text.trim() === "") return yield* invalid("format")
    if (!/^\s*[{[]/.test(text)) return [...new URLSearchParams(text)]
    return pairsOfJson(text) ?? (yield* invalid("format"))
  }
  return typeof body === "object" && body !== null
    ? (pairsOfObject(body) ?? (yield* invalid("format")))
    : yield* invalid("format")
})

const textOfValue = (value: unknown): string | undefined =>
  typeof value === "string" ? value : typeof value === "number" || typeof value === "bigint" ? String(value) : undefined

const numberOf = (value: unknown): number | undefined => {
  const text = textOfValue(value)
  return text !== undefined && /^-?\d{1,20}(\.\d{1,20})?$/.test(text) ? Number(text) : undefined
}

const idOf = (value: unknown): string | undefined => {
  const text = textOfValue(value)
  return text !== undefined && text !== "" && text.length <= maxIdCharacters ? text : undefined
}

/**
 * Decodes a payment notification. It does not check the signature. Numbers may come as strings. Fails with
 * {@link PushInvalid}.
 */
export const payNotification = /* @__PURE__ */ Effect.fnUntraced(function* (
  body: Body
): Effect.fn.Return<PayNotification, PushInvalid> {
  const pairs = yield* pairsOf(body)
  const fields = new Map(pairs)
  const parameters: Array<readonly [string, string]> = []
  for (const [name, value] of pairs) {
    const text = textOfValue(value)
    if (text !== undefined) parameters.push([name, text])
    else if (value !== null && value !== undefined) return yield* invalid("field", "parameters")
  }
  const openid = idOf(fields.get("openid")) ?? (yield* invalid("field", "openid"))
  const bill_no = idOf(fields.get("bill_no")) ?? (yield* invalid("field", "bill_no"))
  const amt = numberOf(fields.get("amt")) ?? (yield* invalid("field", "amt"))
  const ts = numberOf(fields.get("ts")) ?? (yield* invalid("field", "ts"))
  const sig = idOf(fields.get("sig")) ?? (yield* invalid("field", "sig"))
  return { openid, bill_no, amt, ts, app_remark: textOfValue(fields.get("app_remark")) ?? "", sig, parameters }
})

/**
 * Decodes a push. A type that is not known is an {@link UnknownPush} with all fields. Fails with {@link PushInvalid}.
 *
 * No signature of pushes is documented, so a receiver must not trust a push alone.
 */
export const push = /* @__PURE__ */ Effect.fnUntraced(function* (body: Body): Effect.fn.Return<Push, PushInvalid> {
  const fields: Fields = Object.fromEntries(yield* pairsOf(body))
  const MsgType = textOfValue(fields["MsgType"])
  // Any text can be read as a form, so a push says what it is.
  if (MsgType === undefined) return yield* invalid("field", "MsgType")
  const MsgId = idOf(fields["MsgId"])
  if (MsgType !== "game_formid") return { _tag: "UnknownPush", MsgType, MsgId, fields }
  return {
    _tag: "GameFormId",
    OpenId: idOf(fields["OpenId"]) ?? (yield* invalid("field", "OpenId")),
    MsgId: MsgId ?? (yield* invalid("field", "MsgId")),
    Content: textOfValue(fields["Content"]) ?? (yield* invalid("field", "Content")),
    CreateTime: numberOf(fields["CreateTime"]),
    fields
  }
})
