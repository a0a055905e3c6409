/** Calls of any other path of QQ's API: `QQMini.request`. */
import * as Effect from "effect/Effect"
import { isObject } from "effect/Predicate"
import type * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { type Any, type CallCredentials, type CallOptions, TypeId } from "../endpoint/definition.ts"
import { both } from "../internal/problem.ts"
import { Finite, isRedactedText, Text, Whole } from "../internal/schema.ts"
import { perDay, perMinute } from "../Limit.ts"
import type { QQError } from "../reason/error.ts"
import { fieldsOf, looksLikeHtml } from "./answer.ts"
import { QQMini } from "./service.ts"
import { orUndefined } from "./strictJson.ts"

/** A call of any path. */
export interface OtherRequest {
  /** The path, such as `/api/json/group/NewCall`. It is always sent to QQ's host. */
  readonly path: string
  /** The HTTP method. By default `POST`. */
  readonly method?: "GET" | "POST" | undefined
  /** Parameters of the query, in addition to the token. Those that are redacted are in no error. */
  readonly query?:
    | Readonly<Record<string, string | number | boolean | Redacted.Redacted<string> | undefined>>
    | undefined
  /** The body of a POST: an object is sent as JSON, a string or bytes as they are. */
  readonly body?: Readonly<Record<string, unknown>> | string | Uint8Array | undefined
  /** The type of the body. By default `application/json`. */
  readonly contentType?: string | undefined
  /**
   * Whether the call may be repeated if an answer gets lost: `repeatable` for reads, `once` for what must not happen
   * twice. By default `once` for a POST, `repeatable` for a GET.
   */
  readonly delivery?: "repeatable" | "once" | undefined
  /** QQ's limits for this path, which the client then keeps: `[{ max: 100, window: "minute" }]`. By default none. */
  readonly limits?: ReadonlyArray<{ readonly max: number; readonly window: "minute" | "day" }> | undefined
  /** What to return: the fields of the JSON (by default), or the bytes of a picture or another file. */
  readonly answer?: "json" | "bytes" | undefined
}

/** The fields of an answer. */
export type Fields = Readonly<Record<string, unknown>>

// I1: no `%`, `@`, `:` or `\`, and no empty segment or one of dots: nothing that a URL parser could read as another host or
// path.
const pathPattern = /^(?:\/(?!\.+(?:\/|$))[\w.~-]+)+\/?$/

const isPath = (path: unknown): path is string => typeof path === "string" && pathPattern.test(path)

const path = () =>
  Text.check(
    Schema.makeFilter<string>((path) =>
      isPath(path)
        ? undefined
        : both(
            "must be a path of QQ's host with plain segments, as /api/json/group/NewCall; parameters go in query",
            "必须是 QQ 接口的路径，如 /api/json/group/NewCall；参数请写在 query 中"
          )
    ),
    // T1: a token that is fetched beside the client ends the client's own.
    Schema.makeFilter<string>((path) =>
      /^\/api\/gettoken\/?$/i.test(path)
        ? both(
            "must not fetch a token: call auth.getAccessToken",
            "不能用于获取 access_token，请使用 auth.getAccessToken"
          )
        : undefined
    )
  )

const oneOf = <const A extends ReadonlyArray<string>>(...names: A) =>
  Schema.optional(
    Schema.Literals(names).annotate({
      message: both(`must be ${names.join(" or ")}`, `必须是 ${names.join(" 或 ")}`)
    })
  )

const noToken = /* @__PURE__ */ Schema.makeFilter<object>((parameters) =>
  Object.keys(parameters).some((name) => /^access_?token$/i.test(name))
    ? both(
        "must not contain the token: the client adds it; give your own as access_token beside path",
        "不能包含 access_token，它由客户端添加；自带的请与 path 并列传入"
      )
    : undefined
)

const jsonOf = /* @__PURE__ */ orUndefined((body: unknown): string => JSON.stringify(body))

const isJsonObject = (u: unknown): u is Fields =>
  isObject(u) && !(u instanceof Uint8Array) && jsonOf(u)?.startsWith("{") === true

const isBytes = (u: unknown): u is Uint8Array => u instanceof Uint8Array

const input = () =>
  Schema.Struct({
    path: path(),
    method: oneOf("GET", "POST"),
    query: Schema.optional(
      Schema.Record(
        Schema.String,
        Schema.Union([
          Schema.String,
          Finite,
          Schema.Boolean,
          Schema.declare(isRedactedText),
          Schema.Undefined
        ]).annotate({
          message: both("must be a string, a number or a boolean", "必须是字符串、数字或布尔值")
        })
      )
        .annotate({ message: both('must be an object, as { id: "1" }', '必须是对象，如 { id: "1" }') })
        .check(noToken)
    ),
    body: Schema.optional(
      Schema.Union([Schema.String, Schema.declare(isBytes), Schema.declare(isJsonObject).check(noToken)]).annotate({
        message: both(
          "must be an object that can be written as JSON, a string, or bytes",
          "必须是可写成 JSON 的对象、字符串或字节"
        )
      })
    ),
    contentType: Schema.optional(
      Text.check(
        Schema.makeFilter<string>((type) =>
          /^[ -~]+$/.test(type) ? undefined : both("must be a media type, as text/xml", "必须是媒体类型，如 text/xml")
        )
      )
    ),
    delivery: oneOf("repeatable", "once"),
    limits: Schema.optional(
      Schema.Array(
        Schema.Struct({
          max: Whole.check(Schema.makeFilter((n) => (n >= 0 ? undefined : both("must not be below 0", "不能小于 0")))),
          window: Schema.Literals(["minute", "day"]).annotate({
            message: both("must be minute or day", "必须是 minute 或 day")
          })
        }).annotate({
          message: both(
            'must be an object, as { max: 100, window: "minute" }',
            '必须是对象，如 { max: 100, window: "minute" }'
          )
        })
      )
    ),
    answer: oneOf("json", "bytes")
  }).check(
    Schema.makeFilter(({ body, method }) =>
      method === "GET" && body !== undefined
        ? {
            path: ["body"],
            issue: both("is not sent with GET: use query, or method POST", "GET 不发送 body，请使用 query 或 POST")
          }
        : undefined
    )
  )

type Input = ReturnType<typeof input>["Type"]

/** Whether bytes may be a file: not an error in JSON, however broken, and not the page of a gateway. */
const isFile = (bytes: Uint8Array): boolean =>
  fieldsOf(bytes) === undefined &&
  !looksLikeHtml(bytes) &&
  !/^\s*[[{]/.test(String.fromCharCode(...bytes.subarray(0, 9)))

/** The endpoint of a path. What is wrong with the input is found before anything else is done with it. */
export const endpointOf = (given: unknown): Any => {
  const { answer, delivery, limits, method, path } = (isObject(given) ? given : {}) as Partial<Input>
  const isGet = method === "GET"
  const isBinary = answer === "bytes"
  const checked = input()
  return {
    [TypeId]: TypeId,
    name: isPath(path) ? `request ${path}` : "request",
    method: isGet ? "GET" : "POST",
    path: isPath(path) ? path : "/",
    authorization: "access_token",
    input: checked,
    otherNames: { path: ["url"], query: ["params"], body: ["data"], contentType: ["type"], limits: ["limit", "quota"] },
    wire: Schema.toType(checked),
    compose: ({ wire }) => {
      const { body, contentType = "application/json", query = {} } = wire as Input
      const headers: Readonly<Record<string, string>> = body === undefined ? {} : { "content-type": contentType }
      return Effect.succeed({
        query: Object.entries(query).flatMap(([name, value]) =>
          value === undefined ? [] : [[name, isRedactedText(value) ? value : String(value)] as const]
        ),
        headers,
        body: body === undefined || typeof body === "string" || isBytes(body) ? body : JSON.stringify(body)
      })
    },
    output: Schema.Unknown,
    image: isBinary,
    readOther: ({ bytes }) => (isBinary && isFile(bytes) ? { output: bytes } : undefined),
    get quota() {
      return limits?.map(({ max, window }) => (window === "day" ? perDay(max) : perMinute(max)))
    },
    delivery: delivery ?? (isGet ? "repeatable" : "once")
  }
}

/** The function that calls any path. */
export interface Requesting<Result extends "Effect" | "Promise", Options> {
  (
    request: OtherRequest & { readonly answer: "bytes" } & CallCredentials,
    options?: Options
  ): Result extends "Effect" ? Effect.Effect<Uint8Array, QQError, QQMini> : Promise<Uint8Array>
  (
    request: OtherRequest & CallCredentials,
    options?: Options
  ): Result extends "Effect" ? Effect.Effect<Fields, QQError, QQMini> : Promise<Fields>
}

/**
 * Calls any other path of QQ's API, for calls that QQ adds: with the token, the errors, the retries and the deadline of
 * every other call. `QQMini.request({ path: "/api/json/group/NewCall", body: { a: 1 } })`.
 *
 * Returns the fields of QQ's JSON, or with `answer: "bytes"` a file. An `errcode`, `errCode` or `code` other than 0 is an
 * error, and so is a status other than 2xx, and what is not JSON. Whether fields that are there mean success, only the
 * document of the call can say.
 *
 * The request goes to QQ's host alone. A path that could lead elsewhere is `InvalidInput`, and so is a parameter
 * `access_token`: give your own token beside `path`.
 */
export const request = ((given: OtherRequest & CallCredentials, options?: CallOptions) =>
  Effect.flatMap(QQMini, (client) => client.call(endpointOf(given), given ?? {}, options))) as Requesting<
  "Effect",
  CallOptions
>
